"""One loop asks about everything: no kind of question and no campaign waits for all of another."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign
from campaigns.contacts.models import ContactList
from campaigns.dispatch.models import Batch, BatchState, Pace, Recipient, SendState
from campaigns.dispatch.send.follow_unresolved import UnresolvedRecipients
from campaigns.dispatch.send.resolve_unknown import UnknownOutcomes
from campaigns.gateway.bsg.status_questions import StatusQuestions
from campaigns.gateway.types import Address
from campaigns.ledger.models import Purpose
from campaigns.results.models import StatusHint
from campaigns.results.polling import asker
from campaigns.results.polling.due_batches import DueAgain, NeverChecked
from campaigns.results.polling.hints import HintedRecipients
from tests.dispatch import factory
from tests.scripted_gateway import Reply, ScriptedGateway

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DOWN: Reply = (503, b"Service Unavailable")
KINDS = [UnknownOutcomes, HintedRecipients, DueAgain, NeverChecked, UnresolvedRecipients]


@pytest.fixture
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of 60 people, of whom a batch of 50 is most."""
    monkeypatch.setattr(asker, "PEOPLE_PER_ROUND", 60)
    monkeypatch.setattr(asker, "PEOPLE_PER_CONNECTION", 1)


@pytest.fixture
def new_asker(gateway: ScriptedGateway) -> Iterator[Callable[[], asker.Asker]]:
    with ThreadPoolExecutor(4) as pool:
        questions = StatusQuestions(pool, timezone.now() + MINUTE, lambda: True)
        yield lambda: asker.Asker(gateway.client, questions, 4)


def accepted(people: int, purpose: Purpose = Purpose.CAMPAIGN, **batches: object) -> Campaign:
    """A campaign that was sent two minutes ago; its `batches` have these values."""
    name = f"List {ContactList.objects.count()}"
    campaign = factory.launched_to(factory.contact_list(name, people), purpose=purpose)
    left = timezone.now() - 2 * MINUTE
    recipients = Recipient.objects.filter(campaign=campaign)
    recipients.update(send_state=SendState.ACCEPTED, charged=Decimal("0.05"), currency="EUR")
    Batch.objects.filter(campaign=campaign).update(
        **{"state": BatchState.DONE, "done_at": left, "intended_at": left, **batches}
    )
    return campaign


def make_each_kind_due(people: int) -> None:
    """A campaign for each of KINDS, with questions about so many `people`."""
    due = timezone.now() - MINUTE
    in_doubt = accepted(people, state=BatchState.AMBIGUOUS, not_before=due)
    Recipient.objects.filter(campaign=in_doubt).update(send_state=SendState.QUEUED)
    hinted = accepted(people, check_at=timezone.now() + timedelta(hours=1), checks=1)
    ids = Recipient.objects.filter(campaign=hinted).values_list("pk", flat=True)
    StatusHint.objects.bulk_create(StatusHint(recipient_id=pk, at=due) for pk in ids)
    accepted(people, check_at=due, checks=1)
    accepted(people)
    unresolved = accepted(people, not_before=due, checks=1)
    Recipient.objects.filter(campaign=unresolved).update(send_state=SendState.UNRESOLVED)


@pytest.mark.usefixtures("small_rounds")
@pytest.mark.parametrize("rate", [0, 1])
def test_each_kind_is_asked_in_each_round_until_it_has_no_more(
    new_asker: Callable[[], asker.Asker], settings: Settings, rate: int
) -> None:
    settings.STATUS_RATE = rate
    make_each_kind_due(120)
    asking = new_asker()
    for _round in range(2):
        kinds = {type(source) for source, _checks in asking._take(set())}
        assert kinds == set(KINDS)


@pytest.mark.usefixtures("small_rounds")
def test_nothing_is_asked_twice_and_nothing_is_left(
    new_asker: Callable[[], asker.Asker], settings: Settings
) -> None:
    settings.STATUS_RATE = 0
    make_each_kind_due(120)
    asking, asked = new_asker(), []
    while taken := asking._take(set()):
        asked += [
            message.reference
            for _source, checks in taken
            for check in checks
            for message in check.messages
        ]
    assert sorted(asked) == sorted(Recipient.objects.values_list("reference", flat=True))
    assert not asker.is_due(timezone.now())


@pytest.mark.usefixtures("small_rounds")
def test_small_campaign_does_not_wait_for_a_large_one(
    new_asker: Callable[[], asker.Asker], settings: Settings
) -> None:
    settings.STATUS_RATE = 0
    due = timezone.now() - MINUTE
    accepted(3_000, check_at=due, checks=1)
    small = accepted(3, check_at=due + MINUTE / 2, checks=1)
    asking, campaigns = new_asker(), []
    for _round in range(4):
        taken = asking._take(set())
        campaigns += [check.batch.campaign_id for _source, checks in taken for check in checks]  # type: ignore[attr-defined]
    assert campaigns.count(small.pk) >= 1
    assert len(campaigns) < 20  # of more than 60 batches that became due before


def test_rehearsals_go_on_while_the_gateway_is_down(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(3)
    rehearsal = accepted(6, purpose=Purpose.REHEARSAL)
    gateway.on_question = lambda _reference: DOWN
    with time_machine.travel(timezone.now(), tick=False) as clock:
        monkeypatch.setattr("campaigns.results.polling.asker.time.sleep", clock.shift)
        Pace.objects.create(
            scope=asker.RATE_SCOPE, at=timezone.now(), until=timezone.now() + MINUTE
        )
        assert asker.ask(gateway.client, 4, timezone.now() + timedelta(seconds=15))
    assert gateway.questions == []
    assert not Recipient.objects.filter(campaign=rehearsal, delivery_state="").exists()


def test_each_batch_says_when_it_was_asked_about_and_answered(
    gateway: ScriptedGateway, settings: Settings
) -> None:
    settings.STATUS_RATE = 0
    accepted(3)  # three batches of one
    refused, *known = Recipient.objects.order_by("batch_number")
    gateway.accepted = {recipient.reference: recipient.msisdn for recipient in known}
    gateway.on_question = lambda reference: (
        DOWN if reference == refused.reference else gateway.find(reference)
    )
    with time_machine.travel(timezone.now(), tick=False):
        asker.ask(gateway.client, 4, timezone.now() + timedelta(seconds=5))
        times = list(Batch.objects.order_by("number").values_list("asked_at", "answered_at"))
        now = timezone.now()
    assert times == [(now, None), (now, now), (now, now)]


def test_questions_of_a_sample_count_towards_the_rate(
    gateway: ScriptedGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATUS_RATE = 10
    messages = [Address(str(380500000000 + number), f"{number:032x}") for number in range(25)]
    waits: list[float] = []
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            clock.shift(seconds)

        monkeypatch.setattr("campaigns.results.polling.asker.time.sleep", wait)
        until = timezone.now() + MINUTE
        replies = asker.ask_about(gateway.client, messages, 4, until)
        assert [reply.has_failed for reply in replies] == [False] * 25
        asker.ask_about(gateway.client, messages[:1], 4, until)
    assert sum(waits) == pytest.approx(2.5)  # 25 questions, ten a second
