"""Triggers that refuse UPDATE, DELETE and TRUNCATE of the trail in the database itself.

Entries and links may only be deleted once a seal covers them. A seal has to name the hash of the
link that it ends with, and covers no entry of the last KEPT_DAYS_MIN days.

They are away while SQLite migrates: it changes a table by creating it anew, and cannot while a
trigger of another table needs it.
"""

# ruff: noqa: S608 - our own tables

from campaigns.ledger.append_only import execute_on

MESSAGE = "the audit trail is append-only"
KEPT_DAYS_MIN = 30
ENTRY, LINK, SEAL = (f"campaigns_audit{name}" for name in ("entry", "link", "seal"))
SEALED = f"(SELECT COALESCE(MAX(last_position), 0) FROM {SEAL})"
# conditions on the row that a trigger sees
IS_SEALED = {
    ENTRY: f"EXISTS (SELECT 1 FROM {LINK} WHERE entry_id = OLD.id AND position <= {SEALED})",
    LINK: f"OLD.position <= {SEALED}",
    SEAL: "1 = 0",
}
IS_TRUE_SEAL = (  # of the row that is added
    f"EXISTS (SELECT 1 FROM {LINK} WHERE position = NEW.last_position AND hash = NEW.hash)"
    f" AND NOT EXISTS (SELECT 1 FROM {LINK} JOIN {ENTRY} ON {ENTRY}.id = entry_id"
    f" WHERE position <= NEW.last_position AND at > {{earliest}})"
)
SQLITE_EARLIEST = f"datetime('now', '-{KEPT_DAYS_MIN} days')"
POSTGRESQL_EARLIEST = f"now() - interval '{KEPT_DAYS_MIN} days'"


def _sqlite() -> dict[str, str]:
    """The triggers by their names."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    triggers = {}
    for table, is_sealed in IS_SEALED.items():
        name = table.removeprefix("campaigns_")
        triggers[f"{name}_no_update"] = f"BEFORE UPDATE ON {table} {refuse}"
        triggers[f"{name}_no_delete"] = f"BEFORE DELETE ON {table} WHEN NOT ({is_sealed}) {refuse}"
    is_true = IS_TRUE_SEAL.format(earliest=SQLITE_EARLIEST)
    triggers["auditseal_is_true"] = f"BEFORE INSERT ON {SEAL} WHEN NOT ({is_true}) {refuse}"
    return triggers


def _postgresql() -> list[str]:
    statements = [_function("audit_append_only", "FALSE", "OLD")]
    for table, is_sealed in IS_SEALED.items():
        name = table.removeprefix("campaigns_audit")
        statements += [
            _function(f"audit_{name}_delete", is_sealed, "OLD"),
            # A statement trigger does not slow inserts down.
            *_trigger("audit_append_only", table, "UPDATE OR TRUNCATE", "STATEMENT"),
            *_trigger(f"audit_{name}_delete", table, "DELETE", "ROW"),
        ]
    is_true = IS_TRUE_SEAL.format(earliest=POSTGRESQL_EARLIEST)
    return [
        *statements,
        _function("audit_seal_insert", is_true, "NEW"),
        *_trigger("audit_seal_insert", SEAL, "INSERT", "ROW"),
    ]


def _function(name: str, condition: str, row: str) -> str:
    """A trigger's function that refuses unless `condition` holds."""
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NOT ({condition}) THEN RAISE EXCEPTION '{MESSAGE}'; END IF; RETURN {row}; END $$"
    )


def _trigger(function: str, table: str, verbs: str, each: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {function} ON {table}",
        f"CREATE TRIGGER {function} BEFORE {verbs} ON {table}"
        f" FOR EACH {each} EXECUTE FUNCTION {function}()",
    ]


def ensure_append_only(using: str = "default", **_signal: object) -> None:
    """Create the triggers on the trail's tables, if they exist. After each migration."""
    sqlite = [f"CREATE TRIGGER IF NOT EXISTS {name} {text}" for name, text in _sqlite().items()]
    execute_on(using, SEAL, sqlite, _postgresql())


def make_way(using: str = "default", plan: object = None, **_signal: object) -> None:
    """Drop the triggers on SQLite. Before each migration, unless there is nothing to migrate."""
    if plan == []:
        return
    execute_on(using, SEAL, [f"DROP TRIGGER IF EXISTS {name}" for name in _sqlite()], [])
