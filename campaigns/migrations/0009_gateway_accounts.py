"""Gateway accounts, their keys, and the account that each campaign belongs to."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0008_money_per_channel'),
    ]

    operations = [
        migrations.CreateModel(
            name='GatewayAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('environment', models.CharField(choices=[('live', 'BSG'), ('test', 'Test key'), ('sandbox', 'Sandbox')], editable=False, max_length=7, verbose_name='environment')),
                ('base_url', models.CharField(editable=False, max_length=300, verbose_name='address')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'gateway account',
                'verbose_name_plural': 'gateway accounts',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='AccountKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='campaigns.gatewayaccount')),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='account',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.gatewayaccount'),
        ),
    ]
