"""Delete contacts that were added while their list was being deleted, by an earlier version.

Segments counted them, and no campaign was ever sent to them.
"""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef


def delete_contacts_of_no_list(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    lists = apps.get_model("campaigns", "ContactList").objects.using(using).order_by()
    contacts = apps.get_model("campaigns", "Contact").objects.using(using)
    contacts.exclude(Exists(lists.filter(pk=OuterRef("list")))).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("campaigns", "0018_unconfirmed_saves"),
    ]

    operations = [
        migrations.RunPython(delete_contacts_of_no_list, migrations.RunPython.noop),
    ]
