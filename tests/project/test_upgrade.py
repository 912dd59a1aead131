"""An installation of the version before comes through an upgrade with its data and its work."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from pytest_django import Settings

from campaigns.contacts import tasks
from campaigns.dispatch import sweep
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.send.sender import BatchSender
from campaigns.models import (
    AuditEntry,
    Batch,
    Campaign,
    CampaignTemplate,
    Condition,
    Contact,
    ContactList,
    Import,
    ImportState,
    Recipient,
    Segment,
    StopListEntry,
    User,
)
from campaigns.shared import queue
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team import accounts, audit
from campaigns.team.audit import append_only, chain, job
from campaigns.team.models import Brand
from tests.other_database import using
from tests.sandbox_fixture import KEY, RunningSandbox, strict_sandbox

BEFORE = [("campaigns", "0002_room_for_outcomes")]
INTENDED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def models_before(empty_database: str) -> Iterator[Any]:
    """The models of the version before, over its tables, in a database of their own."""
    with using(empty_database):
        executor = MigrationExecutor(connection)
        leaves = executor.loader.graph.leaf_nodes()
        executor.migrate([*BEFORE, *(node for node in leaves if node[0] != "campaigns")])
        yield executor.loader.project_state(BEFORE).apps


def upgrade() -> None:
    append_only.make_way()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("campaigns"))
    append_only.ensure_append_only()


Old = Callable[[str, str], Any]  # the model of the version before, by app and name
Rest = Iterator[None]  # each makes rows before the upgrade, and looks at them after it


def rows_under_their_new_names(old: Old) -> Rest:
    user = old("campaigns", "User").objects.create(username="taras")
    template = old("campaigns", "SavedMessage").objects.create(
        name="Sale", content={"text": "Hello"}, locked=["text"], created_by=user
    )
    campaign = old("campaigns", "Campaign").objects.create(
        name="Renamed", made_from=template, approval_seal="a" * 64
    )
    old("campaigns", "Batch").objects.create(
        campaign=campaign, number=1, size=50, state="sending", sent_at=INTENDED
    )
    segment = old("campaigns", "Segment").objects.create(name="Kyiv", met="any")
    old("campaigns", "Condition").objects.create(
        segment=segment, place=0, asks="field", field="city", operator="is", value="Kyiv"
    )
    old("campaigns", "AuditEntry").objects.create(
        actor=user, subject=f"savedmessage:{template.pk}", action="created"
    )
    yield
    assert CampaignTemplate.objects.values_list("name", "content", "locked").get() == (
        "Sale", {"text": "Hello"}, ["text"],
    )  # fmt: skip
    assert CampaignTemplate.objects.get().created_by == User.objects.get(username="taras")
    upgraded = Campaign.objects.get(name="Renamed")
    assert (upgraded.made_from, upgraded.approval_fingerprint) == (
        CampaignTemplate.objects.get(),
        "a" * 64,
    )
    assert Batch.objects.get(campaign=upgraded).intended_at == INTENDED
    assert Segment.objects.get().match == "any"
    assert Condition.objects.get().kind == "field"
    assert [entry.action for entry in audit.activity(CampaignTemplate.objects.get())] == ["created"]


def prices_of_sms_keep_their_currency(old: Old) -> Rest:
    """No row of the largest table is rewritten: an SMS without a currency has the message's."""
    campaign = old("campaigns", "Campaign").objects.create(name="Priced")
    old("campaigns", "Recipient").objects.create(
        campaign_id=campaign.pk, msisdn="380670000001", reference="a", batch_number=1,
        send_state="accepted", currency="EUR", charged="0.02", sms_price="0.05",
    )  # fmt: skip
    yield
    recipient = Recipient.objects.get(campaign=campaign.pk)
    assert (recipient.sms_currency, recipient.currency_of_sms) == ("", "EUR")


def amounts_reserved_before_stay_until_they_settle(old: Old) -> Rest:
    campaign = old("campaigns", "Campaign").objects.create(name="Reserved", sms_text="Hello")
    batch = old("campaigns", "Batch").objects.create(
        campaign=campaign, number=1, size=1, state="done", held="0.06", held_currency="EUR"
    )
    old("campaigns", "Recipient").objects.create(
        campaign_id=campaign.pk, msisdn="380670000001", reference="b", batch_number=1,
        send_state="accepted", currency="EUR", charged="0.02",
    )  # fmt: skip
    yield
    assert holds.wrong_holds() == []
    for delivered, held in (("", Decimal("0.06")), ("delivered", None)):
        Recipient.objects.filter(campaign=campaign.pk).update(delivery_state=delivered)
        holds.recompute([batch.pk])
        assert Batch.objects.get(pk=batch.pk).held == held


def users_keep_their_passwords_and_roles(old: Old, settings: Settings) -> Rest:
    settings.PASSWORD_HASHERS = [
        "campaigns.team.sign_in.passwords.Argon2",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    old("campaigns", "User").objects.create(
        username="olena",
        password=make_password("short-7", hasher="pbkdf2_sha256"),
        role="administrator",
        is_staff=True,
        is_superuser=True,
    )
    yield
    olena, client = User.objects.get(username="olena"), Client()
    assert (olena.role, olena.is_invited, olena.must_change_password) == (
        "administrator",
        False,
        False,
    )
    answer = client.post("/sign-in/", {"login": "olena", "password": "short-7"})
    assert answer.headers["Location"] == "/"
    assert client.get("/settings/team/").status_code == 200
    olena.refresh_from_db()
    assert olena.password.startswith("argon2$argon2id$")


def campaign_under_way_goes_on_under_the_first_account(
    old: Old, sandbox: RunningSandbox, settings: Settings
) -> Rest:
    campaign = old("campaigns", "Campaign").objects.create(
        name="Spring", text="Hello!", sender=old("campaigns", "Sender").objects.create(name="Shop"),
        state="sending", launched_at=INTENDED, frozen_at=INTENDED, audience=2,
    )  # fmt: skip
    for number, state in ((1, "done"), (2, "ready")):
        old("campaigns", "Batch").objects.create(
            campaign=campaign, number=number, size=1, state=state, country="UA"
        )
        old("campaigns", "Recipient").objects.create(
            campaign_id=campaign.pk, msisdn=f"38067000000{number}", reference=f"{number}" * 32,
            batch_number=number, country="UA",
            send_state="accepted" if state == "done" else "queued",
        )  # fmt: skip
    old("campaigns", "Tally").objects.create(
        campaign=campaign, country="UA", send_state="accepted", recipients=1
    )
    yield
    with strict_sandbox() as other:
        settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
        assert accounts.load().is_only_one
        settings.BSG_API_URL = other.api_url
        accounts.confirm_another(None)
        BatchSender(other.client(), 1, timezone.now() + timedelta(minutes=1)).run()
        assert other.requests() == []
    settings.BSG_API_URL = sandbox.api_url
    BatchSender(sandbox.client(), 1, timezone.now() + timedelta(minutes=1)).run()
    sweep.sweep()
    assert [message["reference"] for message in sandbox.messages()] == ["2" * 32]
    upgraded = Campaign.objects.get(pk=campaign.pk)
    assert (upgraded.state, upgraded.account) == ("finished", None)


def everything_of_before_belongs_to_the_first_brand(old: Old) -> Rest:
    clients = old("campaigns", "ContactList").objects.create(name="Clients", contact_count=1)
    old("campaigns", "Contact").objects.create(list=clients, msisdn="380970000001", country="UA")
    old("campaigns", "StopListEntry").objects.create(msisdn="380970000009", reason="Asked")
    campaign = old("campaigns", "Campaign").objects.create(name="Summer")
    yield
    assert list(Brand.objects.values_list("pk", "slug")) == [(MAIN, "main")]
    assert Brand.objects.create(name="Other", slug="other").pk == MAIN + 1
    assert ContactList.objects.get().brand_id == MAIN
    assert Campaign.objects.get(pk=campaign.pk).brand_id == MAIN
    assert StopListEntry.objects.get().brand_id == MAIN
    with acting_for(MAIN):
        assert Contact.objects.get().msisdn == "380970000001"
    with acting_for(MAIN + 1):
        assert not Contact.objects.exists()
        assert not StopListEntry.objects.exists()


def entries_are_chained_as_they_are(old: Old) -> Rest:
    user = old("campaigns", "User").objects.create(username="ihor")
    entries = old("campaigns", "AuditEntry").objects
    for action in ("created", "launched"):
        entries.create(actor=user, subject="campaign:1", action=action, detail="Spring")
    before = list(entries.filter(actor=user).order_by("pk").values())
    yield
    of_before = AuditEntry.objects.count()
    job.follow()
    after = AuditEntry.objects.filter(actor_id=user.pk).order_by("pk")
    assert list(after.values(*before[0])) == before
    newest = after.latest("pk")
    assert (newest.who, newest.kind, newest.result) == ("ihor", "", "done")
    verified = chain.verify()
    assert (verified.linked, verified.findings) == (of_before, [])


def test_rows_and_work_come_through_an_upgrade(
    models_before: Any, sandbox: RunningSandbox, settings: Settings
) -> None:
    """One upgrade with the rows of all: it takes seconds."""
    old = models_before.get_model
    parts = [
        entries_are_chained_as_they_are(old),  # first, before others leave entries
        rows_under_their_new_names(old),
        prices_of_sms_keep_their_currency(old),
        amounts_reserved_before_stay_until_they_settle(old),
        users_keep_their_passwords_and_roles(old, settings),
        campaign_under_way_goes_on_under_the_first_account(old, sandbox, settings),
        everything_of_before_belongs_to_the_first_brand(old),
    ]
    for part in parts:
        next(part)
    upgrade()
    for part in parts:
        assert next(part, "ended") == "ended"


def test_work_queued_under_an_old_task_name_is_queued_again(transactional_db: None) -> None:
    """The task itself fails, as its path is gone. The import it was for stands in its table."""
    old_name = "campaigns.audience.tasks.run_import"
    contact_list = ContactList.objects.create(name="Customers")
    waiting = Import.objects.create(
        list=contact_list, list_name="Customers", file_name="a.csv", state=ImportState.QUEUED
    )
    async_task(old_name, waiting.pk)  # type: ignore[no-untyped-call]
    Schedule.objects.create(name="imports", func="campaigns.audience.tasks.resume_stalled")
    OrmQ.objects.all().delete()  # as a cluster does with a task that it cannot call

    call_command("migrate", verbosity=0)
    tasks.resume_stalled()

    queued: list[Any] = [SignedPackage.loads(task.payload) for task in OrmQ.objects.all()]
    assert [(task["func"], task["args"]) for task in queued] == [
        ("campaigns.contacts.tasks.run_import", (waiting.pk,))
    ]
    assert set(Schedule.objects.values_list("func", flat=True)) == set(queue.SCHEDULES.values())
