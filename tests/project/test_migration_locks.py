"""No migration locks a table of PostgreSQL for long, or copies one, while campaigns go out.

squawk reads the SQL; `.squawk.toml` says which of its rules are for style alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
SQUAWK = Path(sys.executable).with_name("squawk")
INDEX, FOREIGN_KEY = "require-concurrent-index-creation", "adding-foreign-key-constraint"
UNIQUE = "disallowed-unique-constraint"
# What is newer is read in each run; all after the first release with ALL_MIGRATIONS=1, as `make
# beside` does: it takes seconds, and a migration does not change any more when others follow.
FIRST, READ_BEFORE = "0002_room_for_outcomes", "0031_retention"
ALL = "ALL_MIGRATIONS" in os.environ
# What may stay, and why. A table that has a row for each contact, recipient or charge has no place
# here: its index is made beside the work (AddIndexConcurrently), its constraint NOT VALID.
ACCEPTED = {
    "0008_money_per_channel": {INDEX},  # batches: one row for 50 recipients
    "0009_gateway_accounts": {INDEX, FOREIGN_KEY},  # campaigns: few rows, and all of them NULL
    "0010_money_per_account": {INDEX, FOREIGN_KEY},  # balances by hour, price lists by day
    "0014_outgoing_mail": {UNIQUE, FOREIGN_KEY},  # saved reports that were delivered
    "0018_unconfirmed_saves": {UNIQUE, INDEX},  # campaigns
    "0025_approval": {FOREIGN_KEY, INDEX},  # campaigns
    "0028_audit_trail": {INDEX},  # actions of users in the version before, a few thousand
    # price lists and balances by hour: a few thousand rows
    "0034_several_accounts": {INDEX, "require-concurrent-index-deletion"},
    # campaigns: few rows, and all of them NULL
    "0042_variants": {INDEX, FOREIGN_KEY},
    "0043_holds_and_follow_ups": {INDEX, FOREIGN_KEY},
    "0045_triggers": {INDEX, FOREIGN_KEY},
    # Lists, campaigns, senders, imports and settings. The stop list is the largest: an index for
    # 1,000,000 phones takes a second. Topics of persons are not in the version before.
    "0026_brands": {
        INDEX, FOREIGN_KEY, "require-concurrent-index-deletion", "ban-drop-constraint",
        "ban-drop-column", "adding-not-nullable-field", "adding-required-field",
        "constraint-missing-not-valid", "renaming-column",
    },
}  # fmt: skip


def statements() -> Iterator[tuple[str, str]]:
    """The name and the SQL of each migration to be read, from one pass over them."""
    loader = MigrationLoader(None)
    plan = loader.graph.forwards_plan(loader.graph.leaf_nodes("campaigns")[0])
    ours = [key for key in plan if key[0] == "campaigns"]
    last = ("campaigns", FIRST if ALL else READ_BEFORE)
    state = loader.project_state(last)
    for key in ours[ours.index(last) + 1 :]:
        migration = loader.graph.nodes[key]
        with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
            state = migration.apply(state, editor, collect_sql=True)
        yield key[1], "\n".join(editor.collected_sql)


def objections(folder: Path) -> list[dict[str, Any]]:
    """What squawk says about the files of `folder`."""
    if not (files := sorted(str(file) for file in folder.glob("*.sql"))):
        return []
    said = subprocess.run(
        [str(SQUAWK), "--config", str(ROOT / ".squawk.toml"), "--reporter", "json", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode in (0, 1), said.stderr
    found: list[dict[str, Any]] = json.loads(said.stdout or "[]")
    return found


@pytest.mark.skipif(settings.SQLITE, reason="it reads the SQL of PostgreSQL")
@pytest.mark.django_db
def test_migrations_lock_and_rewrite_no_large_table(tmp_path: Path) -> None:
    for name, text in statements():
        (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
    found: dict[str, set[str]] = {}
    for objection in objections(tmp_path):
        found.setdefault(Path(objection["file"]).stem, set()).add(objection["rule_name"])
    assert {name: rules - ACCEPTED.get(name, set()) for name, rules in found.items()} == {
        name: set() for name in (ACCEPTED if ALL else found)
    }


def test_unsafe_statements_are_named(tmp_path: Path) -> None:
    (tmp_path / "later.sql").write_text(
        "CREATE INDEX late ON campaigns_recipient (late);\n"
        "ALTER TABLE campaigns_recipient ALTER COLUMN reference TYPE text;\n"
        "ALTER TABLE campaigns_ledgerentry ADD COLUMN at timestamptz DEFAULT clock_timestamp();\n"
        "ALTER TABLE campaigns_batch ADD COLUMN safe integer;\n",
        encoding="utf-8",
    )
    assert sorted((one["line"], one["rule_name"]) for one in objections(tmp_path)) == [
        (0, INDEX),
        (1, "changing-column-type"),
        (2, "adding-field-with-default"),
    ]
