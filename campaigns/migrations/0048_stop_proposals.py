"""Phones that are proposed for the stop list; persons without foreign keys to check.

On PostgreSQL the checks of two foreign keys for each new person took a fifth of an import with
consents. SQLite keeps them: there they cost little, and to drop them it would copy the table.
"""

import campaigns.shared.brands.scope
import django.db.models.deletion
from django.conf import settings
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def drop_foreign_keys(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "campaigns_person")
    for name, constraint in constraints.items():
        if constraint["foreign_key"]:
            schema_editor.execute(f"ALTER TABLE campaigns_person DROP CONSTRAINT {name}")


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0047_sign_up'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnreachedMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recipient_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'unreached message',
                'verbose_name_plural': 'unreached messages',
            },
        ),
        migrations.AddField(
            model_name='brand',
            name='stop_proposed_after',
            field=models.PositiveSmallIntegerField(db_default=3, default=3, verbose_name='failures before a proposal'),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='person',
                    name='brand',
                    field=models.ForeignKey(db_constraint=False, db_default=models.Value(1), default=campaigns.shared.brands.scope.brand_of_new, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.brand'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='updated_by',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
            ],
            database_operations=[
                migrations.RunPython(drop_foreign_keys, migrations.RunPython.noop),
            ],
        ),
        migrations.CreateModel(
            name='StopProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('msisdn', models.CharField(max_length=15, verbose_name='phone')),
                ('failures', models.PositiveIntegerField(verbose_name='failures in a row')),
                ('status', models.CharField(max_length=30)),
                ('last_at', models.DateTimeField()),
                ('proposed_at', models.DateTimeField()),
                ('checked_at', models.DateTimeField()),
                ('dismissed_to', models.DateTimeField(blank=True, null=True)),
                ('is_open', models.BooleanField(default=True)),
                ('brand', models.ForeignKey(db_default=models.Value(1), default=campaigns.shared.brands.scope.brand_of_new, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.brand')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.campaign')),
            ],
            options={
                'verbose_name': 'proposal for the stop list',
                'verbose_name_plural': 'proposals for the stop list',
                'ordering': ['-id'],
                'indexes': [models.Index(models.F('brand'), models.F('id'), condition=models.Q(('is_open', True)), name='stop_proposal_open'), models.Index(models.F('checked_at'), condition=models.Q(('is_open', True)), name='stop_proposal_check')],
                'constraints': [models.UniqueConstraint(models.F('msisdn'), models.F('brand'), name='stop_proposal_once')],
            },
        ),
    ]
