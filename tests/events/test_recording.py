"""What the stages record, and that they record nothing that nobody wants."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.contacts.importing import claims, runner
from campaigns.contacts.importing import lifecycle as imports
from campaigns.contacts.undo import lifecycle as undo
from campaigns.contacts.undo import runner as undo_runner
from campaigns.dispatch import sweep
from campaigns.dispatch.budgets import warnings
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.people import erase_contact
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import Purpose
from campaigns.results.polling import asker
from campaigns.shared.changes.models import Change, WantedKind
from campaigns.team.models import Role, User
from tests.compose.factories import person
from tests.dispatch import factory
from tests.events.recorded import chains, check_chains, want_everything
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SHOWN = ("kind", "object_id", "before", "after")


@pytest.fixture
def boss() -> User:
    return person(Role.ADMINISTRATOR, "boss")


def send(sandbox: RunningSandbox) -> None:
    BatchSender(sandbox.client(), 4, timezone.now() + MINUTE).run()


def changes_of(family: str) -> list[tuple[str, int, str, str]]:
    rows = Change.objects.filter(kind__startswith=f"{family}.").order_by("pk")
    return list(rows.values_list(*SHOWN))


def test_messages_from_the_send_to_the_last_status(sandbox: RunningSandbox) -> None:
    want_everything()
    campaign = factory.launched(234, sms_sender="Shop", sms_text="Hello by SMS")
    send(sandbox)
    sandbox.settle()
    asker.ask(sandbox.client(), 4, timezone.now() + MINUTE)
    check_chains()
    told = chains()
    assert len(told) == 234
    assert {changes[0][1] for changes in told.values()} >= {"accepted"}
    assert {campaign.pk} == set(
        Change.objects.filter(kind__startswith="message.").values_list("object_id", flat=True)
    )
    # one row for many messages
    assert Change.objects.filter(kind="message.accepted").count() <= 6


def test_nothing_is_recorded_that_nobody_wants(sandbox: RunningSandbox) -> None:
    WantedKind.objects.create(kind="message.read")
    factory.launched(30)
    send(sandbox)
    assert Change.objects.count() == 0
    WantedKind.objects.all().delete()
    sandbox.settle()
    asker.ask(sandbox.client(), 4, timezone.now() + MINUTE)
    assert Change.objects.count() == 0


def test_rehearsals_are_told_to_nobody() -> None:
    want_everything()
    factory.launched(60, purpose=Purpose.REHEARSAL)
    BatchSender(None, 2, timezone.now() + MINUTE).run()
    assert Change.objects.count() == 0


def test_cancelled_messages(sandbox: RunningSandbox) -> None:
    want_everything()
    campaign = factory.launched(70)
    erase_contact.erase(factory.phone(0), None)
    lifecycle.cancel(campaign.pk, None)
    sweep.cancel_remaining()
    assert {tuple(changes) for changes in chains().values()} == {(("queued", "cancelled"),)}
    assert len(chains()) == 70


def test_states_of_a_campaign(sandbox: RunningSandbox, boss: User) -> None:
    want_everything()
    campaign = factory.launched(30)
    lifecycle.pause(campaign.pk, boss)
    with pytest.raises(lifecycle.Refused):
        lifecycle.pause(campaign.pk, boss)
    lifecycle.resume(campaign.pk, boss)
    send(sandbox)
    assert sweep.finish_if_done(campaign.pk)
    states = [
        ("draft", "preparing"), ("preparing", "sending"), ("sending", "paused"),
        ("paused", "sending"), ("sending", "finished"),
    ]  # fmt: skip
    assert changes_of("campaign") == [
        (f"campaign.{after}", campaign.pk, before, after) for before, after in states
    ]
    paused = Change.objects.get(kind="campaign.paused")
    assert paused.facts == {"reason": "by_person"}


def test_states_of_an_import(boss: User, settings: Settings, tmp_path: Path) -> None:
    want_everything()
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    file = tmp_path / "a.csv"
    file.write_text("phone\n0971234567\n")
    made = imports.create_queued_import(file, "New", "", "UA")
    assert runner.run(made.pk) is claims.Outcome.DONE
    undo.start(made.pk, boss)
    assert undo_runner.run(made.pk) is claims.Outcome.DONE
    other = imports.create_queued_import(file, "Two", "", "UA")
    imports.cancel(other.pk, boss)
    imports.cancel(other.pk, boss)
    assert changes_of("import") == [
        ("import.running", made.pk, "queued", "running"),
        ("import.finished", made.pk, "running", "finished"),
        ("import.undone", made.pk, "undoing", "undone"),
        ("import.cancelled", other.pk, "queued", "cancelled"),
    ]


def test_budget_warnings_once_for_each_step(sandbox: RunningSandbox) -> None:
    factory.launched(30)
    send(sandbox)
    want_everything()
    MonthlyBudget.objects.create(currency="EUR", amount=Decimal("0.0001"))
    assert warnings.record_warnings() == 3
    assert warnings.record_warnings() == 0
    told = Change.objects.filter(kind="budget.warning")
    assert told.count() == 3
    facts = told.latest("pk").facts
    assert (facts["amount"], facts["currency"]) == ("0.0001", "EUR")
    assert Decimal(facts["used"]) > 0
