"""The currencies of SMS and of budgets, the worst case of a batch, and what a pause waits for."""

from django.db import migrations, models

import campaigns.shared.money


class AddFieldInPlace(migrations.AddField):
    """AddField that never copies the table: on SQLite Django would, and recipients may be millions."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        definition, params = schema_editor.column_sql(model, field)
        schema_editor.execute(
            schema_editor.sql_create_column
            % {
                "table": schema_editor.quote_name(model._meta.db_table),
                "column": schema_editor.quote_name(field.column),
                "definition": definition,
            },
            params,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0007_account_rate'),
    ]

    operations = [
        AddFieldInPlace(
            model_name='recipient',
            name='sms_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        AddFieldInPlace(
            model_name='campaign',
            name='budget_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='campaign',
            name='awaited_amount',
            field=campaigns.shared.money.AmountField(blank=True, null=True),
        ),
        AddFieldInPlace(
            model_name='campaign',
            name='awaited_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='batch',
            name='worst_case',
            field=campaigns.shared.money.AmountField(null=True),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(
                'not_before',
                name='batch_unresolved',
                condition=models.Q(('not_before__isnull', False), ('state', 'done')),
            ),
        ),
    ]
