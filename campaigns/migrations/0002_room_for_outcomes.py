"""Leave room in the pages of recipients, so that what becomes of them is written beside them and no index is touched.

On PostgreSQL the outcome of a send took less than half the time of a table without it.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def set_fillfactor(schema_editor: BaseDatabaseSchemaEditor, percent: int) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE campaigns_recipient SET (fillfactor = {percent})")


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]
    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: set_fillfactor(schema_editor, 50),
            lambda apps, schema_editor: set_fillfactor(schema_editor, 100),
        )
    ]
