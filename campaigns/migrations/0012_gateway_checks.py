"""Checks of the gateway: their steps, and samples of its answers."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0011_batch_asked_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='GatewayCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('sender', models.CharField(blank=True, max_length=14)),
                ('steps', models.JSONField(default=list)),
                ('samples', models.JSONField(default=list)),
                ('reference', models.CharField(blank=True, max_length=32)),
                ('reported_at', models.DateTimeField(null=True)),
                ('asked_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.gatewayaccount')),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('campaign', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.campaign')),
            ],
            options={
                'verbose_name': 'gateway check',
                'verbose_name_plural': 'gateway checks',
                'ordering': ['-id'],
            },
        ),
    ]
