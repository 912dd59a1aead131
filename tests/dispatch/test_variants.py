"""Variants: who gets which one, that the rest waits for the decision, and that it is taken once."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.tracking.codes import link_codes
from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch import sweep, variants
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.people.erase_contact import erase
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results.money.rebuilding import differences
from campaigns.team.models import AuditEntry
from tests.dispatch import factory
from tests.dispatch.test_sender import send
from tests.dispatch.workers import Worker
from tests.sandbox_fixture import KEY, RunningSandbox

BASE, SHOP = "https://go.example.com/", "https://shop.example.com/"
PEOPLE = 120
TEXTS = {"A": "Hello", "B": f"Hi {SHOP}b and {SHOP}c", "C": f"Hey {SHOP}c"}


@pytest.fixture(autouse=True)
def gateway(settings: Settings, sandbox: RunningSandbox) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    settings.LINK_BASE_URL = BASE.rstrip("/")


def other(text: str, **parts: str) -> dict[str, str]:
    same = {"button_caption": "", "button_url": "", "image": "", "image_url": ""}
    return {"text": text, **same, **parts}


def draft(people: int = PEOPLE, letters: str = "ABC", **changes: Any) -> Campaign:
    contacts = factory.contact_list(f"List {Campaign.objects.count()}", people)
    rule = {"text": TEXTS["A"], "test_share": 50, "decision_hours": 2}
    others = [other(TEXTS[letter]) for letter in letters[1:]]
    return factory.draft(contacts, **{**rule, "variants": others, **changes})


def launched(people: int = PEOPLE, letters: str = "ABC", **changes: Any) -> Campaign:
    campaign = draft(people, letters, **changes)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    campaign.refresh_from_db()
    return campaign


def variants_of_batches() -> dict[int, str]:
    return dict(Batch.objects.values_list("number", "variant"))


def text_to(campaign: Campaign, reference: str, letter: str) -> str:
    """The text that the recipient gets, with the links of this variant."""
    text = TEXTS[letter]
    for number, link in enumerate(word for word in text.split() if word.startswith(SHOP)):
        text = text.replace(link, BASE + link_codes().code(reference, number))
    return text


def texts_sent(sandbox: RunningSandbox) -> dict[str, str]:
    return {message["reference"]: message["text"] for message in sandbox.messages()}


def check_texts(campaign: Campaign, sandbox: RunningSandbox) -> None:
    """Everybody in a batch that was sent got the message of its variant, and nobody two."""
    campaign.refresh_from_db()
    of_batches = variants_of_batches()
    accepted = Recipient.objects.filter(send_state=SendState.ACCEPTED)
    expected = {
        reference: text_to(campaign, reference, of_batches[number] or campaign.winner)
        for reference, number in accepted.values_list("reference", "batch_number")
    }
    assert texts_sent(sandbox) == expected
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (len(expected), 0)


@pytest.mark.django_db
@pytest.mark.parametrize("split", ["test", "even"])
@pytest.mark.parametrize("letters", ["AB", "ABC"])
def test_hash_of_campaign_and_phone_divides_the_audience(split: str, letters: str) -> None:
    campaign = launched(600, letters, variant_split=split)
    of_batches = variants_of_batches()
    found = Counter[str]()
    for recipient in Recipient.objects.all():
        letter = of_batches[recipient.batch_number]
        assert letter == factory.variant_of(campaign, recipient.reference)
        found[letter] += 1
    assert set(found) == {*letters, *([""] if split == "test" else [])}
    share = 300 if split == "test" else 600
    for letter in letters:  # four standard deviations
        assert abs(found[letter] - share / len(letters)) < 4 * (share / len(letters)) ** 0.5
    states = {(letter == "", state) for letter, state in Batch.objects.values_list(
        "variant", "state")}  # fmt: skip
    assert states <= {(True, BatchState.WAITING), (False, BatchState.READY)}
    sizes = Counter(Recipient.objects.values_list("batch_number", flat=True))
    assert dict(Batch.objects.values_list("number", "size")) == sizes
    assert max(sizes.values()) <= 50
    countries = Recipient.objects.values_list("batch_number", "country").distinct()
    assert len(countries) == len(sizes)  # one country in each batch


@pytest.mark.django_db
def test_a_repeated_freeze_gives_everybody_the_same_variant() -> None:
    campaign = launched()
    before = {
        phone: variants_of_batches()[number]
        for phone, number in Recipient.objects.values_list("msisdn", "batch_number")
    }
    Recipient.objects.all().delete()
    Batch.objects.all().delete()
    Campaign.objects.filter(pk=campaign.pk).update(state="preparing", frozen_at=None)
    campaign.snapshot.delete()
    freeze(campaign.pk, timezone.now() + factory.SOON)
    after = variants_of_batches()
    assert before == {
        phone: after[number]
        for phone, number in Recipient.objects.values_list("msisdn", "batch_number")
    }


@pytest.mark.django_db
def test_the_rest_waits_and_then_gets_the_winner(sandbox: RunningSandbox) -> None:
    campaign = launched()
    rest = Recipient.objects.filter(
        batch_number__in=[number for number, letter in variants_of_batches().items() if not letter]
    )
    waiting = rest.count()
    assert 0 < waiting < PEOPLE
    assert not send(sandbox)
    assert Recipient.objects.filter(send_state="queued").count() == waiting
    assert not sweep.finish_if_done(campaign.pk)
    check_texts(campaign, sandbox)
    assert [found.pk for found in variants.undecided()] == [campaign.pk]
    variants.decide(campaign.pk, "B", None, "because")
    assert not variants.undecided().exists()
    assert not send(sandbox)
    check_texts(campaign, sandbox)
    assert set(rest.values_list("send_state", flat=True)) == {"accepted"}
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


@pytest.mark.django_db
def test_a_sender_that_runs_while_it_is_decided_sends_the_winner(sandbox: RunningSandbox) -> None:
    """Its campaign was loaded when nobody had won."""
    campaign = launched()
    decided: list[bool] = []

    def keep_going() -> bool:
        if not decided and not Batch.objects.filter(state="ready").exists():
            decided.append(True)
            variants.decide(campaign.pk, "C", None, "because")
        return True

    BatchSender(sandbox.client(), 1, timezone.now() + factory.SOON, keep_going).run()
    assert decided
    assert Recipient.objects.filter(send_state="queued").count() == 0
    check_texts(campaign, sandbox)


@pytest.mark.django_db
def test_of_two_decisions_at_once_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = launched()
    both_see_it = Campaign.objects.all()
    variants.decide(campaign.pk, "B", None, "first")
    monkeypatch.setattr(variants, "undecided", lambda: both_see_it.all())
    with pytest.raises(Refused, match="Variant B is chosen already"):
        variants.decide(campaign.pk, "C", None, "second")
    campaign.refresh_from_db()
    assert campaign.winner == "B"


@pytest.mark.django_db
def test_what_cannot_be_decided_is_refused() -> None:
    campaign = launched()
    for letter in ("", "D", "AB"):
        with pytest.raises(Refused, match="one of the variants"):
            variants.decide(campaign.pk, letter, None, "")
    lifecycle.cancel(campaign.pk, None)
    with pytest.raises(Refused, match="Nobody waits"):
        variants.decide(campaign.pk, "A", None, "")
    unfrozen = draft()
    lifecycle.launch(unfrozen.pk, None)
    with pytest.raises(Refused, match="still being prepared"):
        variants.decide(unfrozen.pk, "A", None, "")
    assert Campaign.objects.exclude(winner="").count() == 0


@pytest.mark.django_db
def test_who_waits_is_cancelled_with_the_campaign(sandbox: RunningSandbox) -> None:
    campaign = launched()
    send(sandbox)
    lifecycle.pause(campaign.pk, None)
    lifecycle.resume(campaign.pk, None)
    lifecycle.cancel(campaign.pk, None)
    sweep.cancel_remaining()
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.DONE}
    assert set(Recipient.objects.values_list("send_state", flat=True)) == {"accepted", "cancelled"}
    check_texts(campaign, sandbox)
    assert differences() == []


@pytest.mark.django_db
def test_who_waits_can_be_erased(sandbox: RunningSandbox) -> None:
    campaign = launched()
    waiting = Batch.objects.filter(state=BatchState.WAITING).values("number")
    phone = Recipient.objects.filter(batch_number__in=waiting)[0].msisdn
    erase(phone, None)
    variants.decide(campaign.pk, "B", None, "because")
    send(sandbox)
    assert sandbox.bill()["phones"] == PEOPLE - 1
    assert sweep.finish_if_done(campaign.pk)


@pytest.mark.django_db
def test_a_decision_while_paused_is_sent_after_the_resume(sandbox: RunningSandbox) -> None:
    campaign = launched()
    send(sandbox)
    lifecycle.pause(campaign.pk, None)
    variants.decide(campaign.pk, "A", None, "because")
    send(sandbox)
    assert Recipient.objects.filter(send_state="queued").exists()
    lifecycle.resume(campaign.pk, None)
    send(sandbox)
    assert not Recipient.objects.filter(send_state="queued").exists()
    check_texts(campaign, sandbox)


KILLS = [
    "slice:1", "intended:1", "intended:4", "before_post:7", "after_post:2", "after_post:8",
    "close_batches:3", "close_counts:4", "decided:1",
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failpoint", KILLS)
def test_killed_test_leaves_everybody_with_exactly_one_variant(
    sandbox: RunningSandbox, workers: list[Worker], failpoint: str
) -> None:
    campaign = draft(decision_hours=1)
    lifecycle.launch(campaign.pk, None)
    sandbox.faults(lost=25)
    assert workers[0].run(sandbox.api_url, failpoint) == -9
    assert workers[0].run(sandbox.api_url) == 0
    sandbox.settle()
    assert workers[0].run(sandbox.api_url) == 0
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    assert campaign.winner in letters_of(campaign)
    assert Recipient.objects.filter(send_state="accepted").count() == PEOPLE
    check_texts(campaign, sandbox)
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_beside_each_other_decide_once(
    sandbox: RunningSandbox, workers: list[Worker]
) -> None:
    campaign = draft(decision_hours=1)
    lifecycle.launch(campaign.pk, None)
    for worker in workers:
        worker.start(sandbox.api_url)
    assert [worker.wait() for worker in workers] == [0, 0]
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    assert AuditEntry.objects.filter(action="chose variant").count() == 1
    assert Recipient.objects.filter(send_state="accepted").count() == PEOPLE
    check_texts(campaign, sandbox)
    assert differences() == []
