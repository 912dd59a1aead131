"""What is measured of variants, what is said of it, and which one ViberDash chooses itself."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch import sweep
from campaigns.dispatch.freeze.recipients import freeze, reference_of
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement.models import Click
from campaigns.results.polling import asker
from campaigns.results.variants import decision
from campaigns.results.variants.figures import VariantFigures, load_figures
from campaigns.results.variants.sentences import reason, sentence
from campaigns.results.variants.significance import Rate, compare, probability
from tests.dispatch import factory
from tests.dispatch.test_sender import send
from tests.dispatch.test_variants import other
from tests.sandbox_fixture import RunningSandbox

OURS = UUID("6f1c2f0e-5a6e-4f0b-9b3e-0f6f5f0f9a11")
HOUR = timedelta(hours=1)
# the phones that the sandbox lets read, or only get, their message
READ, DELIVERED = "9002", "9001"


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(10, 100, 0.0552, 0.1744), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilson_interval(hits: int, total: int, low: float, high: float) -> None:
    assert Rate(hits, total).interval() == pytest.approx((low, high), abs=5e-5)


def test_nobody_has_no_interval() -> None:
    assert Rate(0, 0).interval() is None


@pytest.mark.parametrize(
    ("one", "other_rate", "expected"),
    [
        (Rate(60, 200), Rate(40, 200), 0.020921),  # z = 2.3094
        (Rate(3, 10), Rate(8, 10), 0.069779),  # Fisher: the normal test would say 0.025
        (Rate(0, 10), Rate(0, 12), 1.0),
        (Rate(5, 10), Rate(0, 0), 1.0),
        (Rate(50, 100), Rate(50, 100), 1.0),
    ],
)
def test_probability_of_a_lead_by_chance(one: Rate, other_rate: Rate, expected: float) -> None:
    assert probability(one, other_rate) == pytest.approx(expected, abs=1e-6)
    assert probability(other_rate, one) == pytest.approx(expected, abs=1e-6)


def test_best_of_several_is_compared_with_the_next_and_corrected_for_all_pairs() -> None:
    rates = {"A": Rate(40, 200), "B": Rate(60, 200), "C": Rate(30, 200)}
    result = compare(rates)
    assert (result.best, result.next) == ("B", "A")
    assert result.probability == pytest.approx(3 * 0.020921, abs=1e-5)
    assert not result.is_shown
    assert compare({letter: rates[letter] for letter in "AB"}).is_shown


@pytest.mark.parametrize(
    ("measure", "rates", "said"),
    [
        ("read", {"A": Rate(0, 50), "B": Rate(0, 50)},
         "Nobody has read a message: no difference was shown."),
        ("click", {"A": Rate(0, 0), "B": Rate(0, 0)},
         "Nobody has clicked: no difference was shown."),
        ("read", {"A": Rate(40, 200), "B": Rate(60, 200)},
         "B is better than A: 30.0% against 20.0%. Chance alone gives such a lead in 2 of 100"
         " tests."),
        ("read", {"A": Rate(100, 1000), "B": Rate(300, 1000)},
         "B is better than A: 30.0% against 10.0%. Chance alone gives such a lead in fewer than 1"
         " of 100 tests."),
        ("read", {"A": Rate(41, 200), "B": Rate(40, 200)},
         "No difference was shown. A leads B, 20.5% against 20.0%, but chance alone gives such a"
         " lead in 90 of 100 tests."),
    ],
)  # fmt: skip
def test_sentence_says_what_was_shown(measure: str, rates: dict[str, Rate], said: str) -> None:
    assert sentence(measure, rates) == said


def test_equal_rates_give_the_first_and_say_so() -> None:
    rates = {"A": Rate(10, 50), "B": Rate(20, 100), "C": Rate(1, 50)}
    assert compare(rates).best == "A"
    assert reason("read", rates) == (
        "A and B have the same rate, 20.0%: no difference was shown. Of equal ones ViberDash takes"
        " the first, A."
    )


def audience(campaign: Campaign, people: int, reads: dict[str, int]) -> ContactList:
    """Contacts of whom so many of 100 read the variant that they get; of the rest, half do."""
    contacts = ContactList.objects.create(name="Audience", contact_count=people)
    seen = Counter[str]()
    candidates = (
        f"380{prefix}{number:03d}{end}"
        for prefix in (50, 63, 66, 67, 68, 93, 95, 96, 97, 98)
        for number in range(1000)
        for end in (READ, DELIVERED)
    )
    phones = []
    for phone in candidates:
        letter = factory.variant_of(campaign, reference_of(OURS, phone))
        if (seen[letter] * 37 % 100 < reads.get(letter, 50)) == phone.endswith(READ):
            seen[letter] += 1
            phones.append(phone)
            if len(phones) == people:
                break
    Contact.objects.bulk_create(
        Contact(list=contacts, msisdn=phone, country="UA") for phone in phones
    )
    return contacts


def under_test(people: int, reads: dict[str, int], **changes: object) -> Campaign:
    """A campaign that was frozen, with an audience whose true rates are known."""
    others = [other(f"Text {letter}") for letter in sorted(reads)[1:]]
    rule = {"test_share": 60, "decision_hours": 4, "variants": others, **changes}
    campaign = factory.draft(**{"text": "Text A", "uuid": OURS, **rule})
    campaign.lists.set([audience(campaign, people, reads)])
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    campaign.refresh_from_db()
    return campaign


def poll(sandbox: RunningSandbox) -> None:
    """Everything is known of all messages, as after some time."""
    sandbox.settle()
    Batch.objects.filter(state="done").update(check_at=timezone.now())
    assert not asker.ask(sandbox.client(), 4, timezone.now() + timedelta(minutes=2))


def truth(sandbox: RunningSandbox) -> dict[str, Counter[str]]:
    """The final statuses of the sandbox by the text of the message."""
    by_text: dict[str, Counter[str]] = {}
    for offset in range(0, 3000, 1000):
        for message in sandbox.messages(offset=offset):
            by_text.setdefault(message["text"], Counter())[message["status"]] += 1
    return by_text


@pytest.mark.django_db
def test_the_winner_of_a_simulated_audience_gets_the_rest(sandbox: RunningSandbox) -> None:
    campaign = under_test(2000, {"A": 30, "B": 45})
    assert not send(sandbox)
    assert decision.due_at(campaign) is not None
    poll(sandbox)
    figures, true = load_figures(campaign), truth(sandbox)
    for letter in "AB":
        statuses = true[f"Text {letter}"]
        found = figures[letter]
        assert (found.accepted, found.read) == (statuses.total(), statuses["read"])
        assert (found.recipients, found.delivered) == (statuses.total(), statuses.total())
        assert found.accepted == pytest.approx(600, abs=100)
    assert float(figures["A"].rate("read").value) == pytest.approx(0.30, abs=0.01)
    assert float(figures["B"].rate("read").value) == pytest.approx(0.45, abs=0.01)
    waiting = 2000 - sum(figures[letter].recipients for letter in "AB")
    assert figures[""] == VariantFigures(waiting)

    last = Batch.objects.filter(state="done").latest("done_at").done_at
    assert last is not None
    assert decision.due_at(campaign) == last + 4 * HOUR
    decision.decide_due(last + 4 * HOUR - timedelta(seconds=1))
    campaign.refresh_from_db()
    assert campaign.winner == ""
    decision.decide_due(last + 4 * HOUR)
    decision.decide_due(last + 5 * HOUR)
    campaign.refresh_from_db()
    assert (campaign.winner, campaign.decided_by) == ("B", None)

    assert not send(sandbox)
    poll(sandbox)
    assert sweep.finish_if_done(campaign.pk)
    everybody = truth(sandbox)
    assert sum(statuses.total() for statuses in everybody.values()) == 2000
    assert everybody["Text B"].total() == figures["B"].recipients + waiting
    rest = load_figures(campaign)[""]
    assert (rest.accepted, rest.read) == (
        waiting, everybody["Text B"]["read"] - figures["B"].read
    )  # fmt: skip


@pytest.mark.django_db
def test_clicks_of_people_decide_where_they_are_to(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.LINK_BASE_URL = "https://go.example.com"
    shop = "https://shop.example.com/"
    texts = {"text": f"A {shop}", "variants": [other(f"B {shop}")]}
    campaign = under_test(200, {"A": 50, "B": 50}, decision_measure="click", **texts)
    send(sandbox)
    numbers = dict(Batch.objects.values_list("number", "variant"))
    rows = list(Recipient.objects.filter(send_state="accepted").order_by("pk"))
    of = {letter: [row for row in rows if numbers[row.batch_number] == letter] for letter in "AB"}
    clicks = [(row, "") for row in (*of["A"][:5], *of["A"][:5], *of["B"][:20])]
    clicks += [(row, "bot") for row in of["A"]]  # programs don't count, nor do second clicks
    for pk, (row, machine) in enumerate(clicks):
        Click.objects.create(
            pk=pk, campaign=campaign, recipient=row, number=0, at=timezone.now(), machine=machine
        )
    rates = decision.measured_rates(Campaign.objects.get(pk=campaign.pk))
    assert rates == {"A": Rate(5, len(of["A"])), "B": Rate(20, len(of["B"]))}
    decision.decide_due(timezone.now() + 5 * HOUR)
    assert Campaign.objects.get(pk=campaign.pk).winner == "B"


@pytest.mark.django_db
def test_who_decides_and_when(sandbox: RunningSandbox) -> None:
    campaign = under_test(60, {"A": 0, "B": 0}, decides_itself=False)
    later = timezone.now() + 100 * HOUR
    assert decision.due_at(campaign) is None  # the test is not sent yet
    Campaign.objects.update(decides_itself=True)
    decision.decide_due(later)
    send(sandbox)
    Campaign.objects.update(decides_itself=False)
    decision.decide_due(later)
    Campaign.objects.update(decides_itself=True)
    lifecycle.pause(campaign.pk, None)
    decision.decide_due(later)
    assert Campaign.objects.get().winner == ""
    lifecycle.resume(campaign.pk, None)
    decision.decide_due(later)  # nothing was read: the first
    assert Campaign.objects.get().winner == "A"
