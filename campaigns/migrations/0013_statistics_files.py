"""Statistics files: whether they are used, and those that were asked for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0012_gateway_checks'),
    ]

    operations = [
        migrations.CreateModel(
            name='StatusFileUse',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='status_file_use', serialize=False, to='campaigns.gatewayaccount')),
                ('tried_at', models.DateTimeField(null=True)),
                ('seen_at', models.DateTimeField(null=True)),
                ('takes_windows', models.BooleanField(default=False)),
                ('is_on', models.BooleanField(default=False)),
                ('why_off', models.CharField(blank=True, choices=[('', 'They were not tried yet.'), ('trial', 'They did not work when they were tried.'), ('mismatch', 'A file did not agree with a single status.'), ('not_there', 'The gateway does not offer them.'), ('administrator', 'An administrator switched them off.')], max_length=13)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('off_at', models.DateTimeField(null=True)),
                ('paused_until', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'use of statistics files',
                'verbose_name_plural': 'uses of statistics files',
            },
        ),
        migrations.CreateModel(
            name='StatusFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mark', models.CharField(max_length=64)),
                ('key', models.CharField(blank=True, max_length=100)),
                ('asked_at', models.DateTimeField()),
                ('look_at', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('is_over', models.BooleanField(default=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.gatewayaccount')),
            ],
            options={
                'verbose_name': 'status file',
                'verbose_name_plural': 'status files',
            },
        ),
        migrations.CreateModel(
            name='StatusFileBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.batch')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='batches', to='campaigns.statusfile')),
            ],
            options={
                'verbose_name': 'batch of a status file',
                'verbose_name_plural': 'batches of status files',
            },
        ),
    ]
