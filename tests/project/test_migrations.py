"""Migrations only add, so that workers of the version before go on while they run, and after."""

import io

import pytest
from django.core.management import call_command
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.fields import NOT_PROVIDED

FIRST = {"0001_initial", "0002_room_for_outcomes"}  # of the first release: nothing is older
ADDS = (
    migrations.CreateModel,
    migrations.AddField,
    migrations.AddIndex,
    migrations.SeparateDatabaseAndState,
)
OTHERS = {
    "0019_contacts_of_no_list",  # deletes rows that no version reaches
    # names that were unique are so in a brand: the same for code that knows one brand alone
    "0026_brands",
    # as before for code that knows one account alone: there are others where brands have keys
    "0034_several_accounts",
    "0037_recipient_statistics",  # how often PostgreSQL looks at a table
    "0044_consent",  # fills a table that it makes
}
# changes that drop a foreign key's constraint, or nothing in the database
LOOSER = {
    ("auditentry", "actor"),
    ("auditentry", "at"),
    ("campaign", "timing"),
    ("condition", "operator"),
}


def objections(operation: migrations.operations.base.Operation) -> list[str]:
    """What of an operation an older version would stumble over."""
    if isinstance(operation, migrations.AlterField) and (
        (operation.model_name_lower, operation.name_lower) in LOOSER
    ):
        return []
    if not isinstance(operation, ADDS):
        return [f"{operation.describe()}: not an addition"]
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not (field.null or field.many_to_many or field.db_default is not NOT_PROVIDED):
            return [
                f"{operation.describe()}: older code inserts rows without it; give it a db_default"
            ]
    return []


def objections_to(migration: migrations.Migration) -> list[str]:
    """What of a migration an older version would stumble over; it knows nothing of new tables."""
    new = {
        operation.name_lower
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    }
    return [
        text
        for operation in migration.operations
        if not (
            isinstance(operation, migrations.AddConstraint) and operation.model_name_lower in new
        )
        for text in objections(operation)
    ]


def test_migrations_after_the_first_release_only_add() -> None:
    ours = MigrationLoader(None).disk_migrations
    exempt = FIRST | OTHERS
    after = [one for (app, name), one in ours.items() if app == "campaigns" and name not in exempt]
    assert [text for one in after for text in objections_to(one)] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("migration", ["0008", "0010"])
def test_columns_for_money_are_added_without_copying_a_table(migration: str) -> None:
    """There may be millions of recipients and of ledger entries."""
    statements = io.StringIO()
    call_command("sqlmigrate", "campaigns", migration, stdout=statements)
    assert "ADD COLUMN" in statements.getvalue()
    assert "CREATE TABLE" not in statements.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_column_of_lists_is_added_without_copying_the_table() -> None:
    """SQLite cannot copy it: triggers of the search index name it."""
    statements = io.StringIO()
    call_command("sqlmigrate", "campaigns", "0020", stdout=statements)
    assert 'ADD COLUMN "field_types"' in statements.getvalue()
    assert "CREATE TABLE" not in statements.getvalue()


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (
            migrations.AddField("Batch", "late", models.IntegerField()),
            "older code inserts rows without it",
        ),
        (migrations.AddField("Batch", "late", models.IntegerField(null=True)), ""),
        (migrations.AddField("Batch", "late", models.IntegerField(db_default=0)), ""),
        (migrations.RemoveField("Batch", "token"), "not an addition"),
        (migrations.RenameField("Batch", "token", "owner"), "not an addition"),
    ],
)
def test_changes_that_break_an_older_version_are_named(
    operation: migrations.operations.base.Operation, text: str
) -> None:
    result = objections(operation)
    assert text in result[0] if text else result == []
