"""Have PostgreSQL look at recipients again after 100,000 changes, however many there are.

By default it waits for changes of a tenth of the table. Until then it takes a new campaign for
nearly empty, and sorts all of its recipients for the first page of them.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "campaigns_recipient"


def set_threshold(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"ALTER TABLE {TABLE} SET (autovacuum_analyze_scale_factor = 0,"
            " autovacuum_analyze_threshold = 100000)"
        )


def reset_threshold(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"ALTER TABLE {TABLE} RESET (autovacuum_analyze_scale_factor,"
            " autovacuum_analyze_threshold)"
        )


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0036_webhooks")]
    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: set_threshold(schema_editor),
            lambda apps, schema_editor: reset_threshold(schema_editor),
        )
    ]
