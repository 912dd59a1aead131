"""A campaign whose worker is killed at any boundary ends as if nothing had happened."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.message.tracking.codes import link_codes
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.ledger.models import LedgerEntry, Purpose
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences
from tests.dispatch import factory
from tests.dispatch.workers import Worker
from tests.events.recorded import chains, check_chains, want_everything
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

FAILPOINTS = [
    "slice:1", "slice:2",  # a slice of the audience is frozen
    "claimed:1", "claimed:2",  # in the transaction that claims and records outcomes
    "intended:1", "intended:2", "intended:3",  # that transaction is committed
    "before_post:1", "before_post:3",  # the intent is committed, and nothing has left
    "after_post:1", "after_post:3",  # the gateway has it, and nothing is recorded
    "close_batches:1", "close_batches:2", "close_recipients:2", "close_ledger:2", "close_counts:2",
    "close_counts:3", "asking:1", "reconciled:1", "settled:1", "asked:1", "recorded:1",
    "results_written:1", "checked:1",
    *[f"before_acknowledgement:{number}" for number in (1, 2, 3, 5)],
]  # fmt: skip
PEOPLE, STOPPED = 80, 7
SHOP = "https://shop.example.com/"
Run = Callable[..., int]


@pytest.fixture
def run(workers: list[Worker]) -> Run:
    """`run(api_url, failpoint)` works in a process and returns its exit status."""
    return workers[0].run


@pytest.fixture(autouse=True)
def same_account(settings: Settings, sandbox: RunningSandbox) -> None:
    """The campaign belongs to the account that the killed processes use. Its links do not follow
    the settings of those.
    """
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    settings.LINK_BASE_URL = "https://go.example.com"


def launched(purpose: Purpose = Purpose.CAMPAIGN) -> Campaign:
    """A campaign with two overlapping lists, a stop list, a tracked link and an SMS, of which
    webhooks want to know everything.
    """
    want_everything()
    lists = [factory.contact_list("One", 60), factory.contact_list("Two", 30, start=50)]
    for number in range(STOPPED):
        StopListEntry.objects.create(msisdn=factory.phone(number))
    campaign = factory.draft(
        *lists, text=f"Hi {SHOP}", sms_sender="Shop", sms_text="Hello!", purpose=purpose
    )
    lifecycle.launch(campaign.pk, None, confirmed=PEOPLE - STOPPED)
    return campaign


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_campaign_ends_as_if_nothing_had_happened(
    sandbox: RunningSandbox, run: Run, failpoint: str
) -> None:
    campaign = launched()
    sandbox.faults(lost=25, missing=10)
    assert run(sandbox.api_url, failpoint) == -9
    assert run(sandbox.api_url) == 0
    sandbox.settle()
    assert run(sandbox.api_url) == 0
    check_the_end(campaign, sandbox)


@pytest.mark.parametrize("failpoint", ["after_post:1", "close_ledger:2"])
def test_killed_rehearsal_ends_the_same_and_asks_nobody(
    sandbox: RunningSandbox, run: Run, failpoint: str
) -> None:
    campaign = launched(Purpose.REHEARSAL)
    assert run(sandbox.api_url, failpoint) == -9
    assert run(sandbox.api_url) == 0
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    assert sandbox.bill()["messages"] == 0
    charges = LedgerEntry.objects.filter(kind="charge", channel="viber", purpose=Purpose.REHEARSAL)
    assert charges.count() == charges.values("recipient").distinct().count() == PEOPLE - STOPPED
    assert LedgerEntry.objects.exclude(purpose=Purpose.REHEARSAL).count() == 0
    assert chains() == {}
    assert differences() == []


def check_the_end(campaign: Campaign, sandbox: RunningSandbox) -> None:
    campaign.refresh_from_db()
    bill = sandbox.bill()
    assert campaign.state == CampaignState.FINISHED
    assert (bill["messages"], bill["phones"], bill["doubled_phones"]) == (
        PEOPLE - STOPPED,
        PEOPLE - STOPPED,
        0,
    )
    assert Counter(Recipient.objects.values_list("send_state", flat=True)) == {
        SendState.ACCEPTED: PEOPLE - STOPPED
    }
    codes = link_codes()
    assert {message["reference"]: message["text"] for message in sandbox.messages()} == {
        reference: f"Hi https://go.example.com/{codes.code(reference, 0)}"
        for reference in Recipient.objects.values_list("reference", flat=True)
    }
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.DONE}
    assert campaign_status.spend(campaign) == billed(bill)
    assert differences() == []
    check_chains()


def billed(bill: dict[str, Any]) -> dict[str, dict[str, Decimal]]:
    """What the gateway charges, as exact amounts."""
    return {
        currency: {name: Decimal(amount) for name, amount in sums.items()}
        for currency, sums in bill["spend"].items()
    }
