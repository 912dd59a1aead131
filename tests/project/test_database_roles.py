"""docs/postgresql-roles.sql: the role that runs the product can do its work, and nothing to the
ledger and the audit trail.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.backends.signals import connection_created
from django.db.models import Model

from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import ContactList
from campaigns.contacts.search.index import index_contacts
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people import erase_contact
from campaigns.ledger.models import LedgerEntry
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.team.audit import job
from campaigns.team.models import AuditEntry, AuditLink
from tests.dispatch import factory
from tests.dispatch.test_isolation import send
from tests.scripted_gateway import ScriptedGateway

ROLE = f"viberdash_test_{os.getpid()}"
STATEMENTS = Path(settings.BASE_DIR) / "docs" / "postgresql-roles.sql"
FORBIDDEN = [
    "DROP TRIGGER ledger_append_only ON campaigns_ledgerentry",
    "ALTER TABLE campaigns_ledgerentry DISABLE TRIGGER USER",
    "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN NEW; END $$",
    "SET session_replication_role = replica",
    "UPDATE campaigns_ledgerentry SET amount = 0",
    "DELETE FROM campaigns_ledgerentry",
    "TRUNCATE campaigns_ledgerentry CASCADE",
    "DROP TABLE campaigns_ledgerentry CASCADE",
    "CREATE TABLE another (id bigint)",
    "DROP TRIGGER audit_append_only ON campaigns_auditentry",
    "CREATE OR REPLACE FUNCTION audit_entry_delete() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN OLD; END $$",
    "UPDATE campaigns_auditentry SET detail = ''",
    "UPDATE campaigns_auditlink SET hash = ''",
    "DELETE FROM campaigns_auditentry",
    "DELETE FROM campaigns_auditlink",
    "TRUNCATE campaigns_auditentry, campaigns_auditlink CASCADE",
    "INSERT INTO campaigns_auditseal (last_position, hash, entries, first_at, last_at, sealed_at)"
    " SELECT position, hash, 1, now(), now(), now() FROM campaigns_auditlink",
]
APPEND_ONLY: list[type[Model]] = [LedgerEntry, AuditEntry, AuditLink]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(settings.SQLITE, reason="SQLite has no roles"),
]


def execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def be_the_role(connection: Any, **_signal: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")


@pytest.fixture
def product_role(transactional_db: None) -> Iterator[None]:
    """Every connection has the rights of the role that runs the product."""
    owner = execute("SELECT CURRENT_USER")[0][0]
    roles = {"viberdash_owner": f'"{owner}"', "viberdash": ROLE}
    text = STATEMENTS.read_text(encoding="utf-8")
    execute(f"CREATE ROLE {ROLE}")
    try:
        execute(re.sub(r"\bviberdash(_owner)?\b", lambda name: roles[name[0]], text))
        connection_created.connect(be_the_role)
        be_the_role(connection)
        yield
    finally:
        connection_created.disconnect(be_the_role)
        execute("RESET ROLE")
        execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        execute(f"DROP OWNED BY {ROLE}")
        execute(f"DROP ROLE {ROLE}")


def test_the_role_runs_the_product_from_contacts_to_money(
    product_role: None, gateway: ScriptedGateway
) -> None:
    campaign = factory.launched(6)
    send(gateway)
    assert campaign_status.counts(campaign).accepted == 6
    assert sweep.finish_if_done(campaign.pk)
    assert not index_contacts()
    erase_contact.erase(factory.phone(0), None)
    rebuild()
    assert differences() == []
    contacts = ContactList.objects.get()
    contact_lists.remove_contacts(contacts, list(contacts.contacts.values_list("pk", flat=True)))
    assert contacts.contacts.count() == 0
    assert (Recipient.objects.count(), LedgerEntry.objects.count()) == (6, 6)
    job.follow()
    assert AuditLink.objects.count() == AuditEntry.objects.count() > 0


def stored() -> list[list[dict[str, Any]]]:
    """The rows of the tables that only grow."""
    return [list(model._default_manager.order_by("pk").values()) for model in APPEND_ONLY]


def test_the_role_cannot_touch_the_ledger_and_the_trail(
    product_role: None, gateway: ScriptedGateway
) -> None:
    factory.launched(6)
    send(gateway)
    job.follow()
    before = stored()
    assert all(before)
    for statement in FORBIDDEN:
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner|append-only"):
            execute(statement)
        assert stored() == before, statement
