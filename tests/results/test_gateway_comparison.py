"""The ledger is compared with the gateway; differences are shown and change nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.interpret_answer import TOTAL_DIFFERS, interpret
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.types import Accepted, SendAnswer, Verdict
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import BalanceReading, Channel, Kind, LedgerEntry
from campaigns.reports.spend.reconciliation import load_reconciliation
from campaigns.results.models import SampledStatus
from campaigns.results.money import gateway_comparison
from campaigns.shared.money import ZERO
from campaigns.team.models import Role
from tests.dispatch import factory
from tests.reports.factories import make_campaign, make_user, send
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def test_balance_is_read_once_an_hour_and_unexplained_changes_are_drift(
    sandbox: RunningSandbox,
) -> None:
    client, now = sandbox.client(), timezone.now()
    assert gateway_comparison.read_balance(client, now - timedelta(hours=2))
    factory.launched(60)
    BatchSender(client, 4, now + timedelta(seconds=60)).run()
    assert gateway_comparison.read_balance(client, now - timedelta(hours=1))
    assert not gateway_comparison.read_balance(client, now - timedelta(hours=1))
    write_entries(
        [Movement(Kind.CORRECTION, Channel.VIBER, None, "", "EUR", [(None, Decimal("0.5"))])], now
    )
    gateway_comparison.read_balance(client, now)
    latest, earlier = load_reconciliation().hours
    spent = sum(
        (entry.amount or ZERO for entry in LedgerEntry.objects.filter(kind=Kind.CHARGE)), ZERO
    )
    assert (earlier.balance_change, earlier.entered, earlier.difference, earlier.reason) == (
        -spent,
        spent,
        ZERO,
        "",
    )
    assert (latest.balance_change, latest.entered, latest.difference) == (
        ZERO,
        Decimal("0.5"),
        Decimal("0.5"),
    )
    assert latest.reason.startswith("Most likely a top-up")


def test_drift_has_its_likely_reason() -> None:
    def reason(amount: int, unknown: int = 0, on_way: int = 0) -> str:
        BalanceReading.objects.all().delete()
        for hour in (2, 1):
            late = hour == 1
            at = timezone.now() - timedelta(hours=hour)
            BalanceReading.objects.create(
                hour=at,
                at=at,
                amount=amount * late,
                currency="EUR",
                entered=0,
                unknown=unknown * late,
                on_way=on_way,
            )
        return load_reconciliation().hours[0].reason

    assert [reason(0), reason(5)[:20], reason(-5)[:7]] == ["", "Most likely a top-up", "Charged"]
    assert reason(-5, unknown=3) == "Most likely messages whose price is not yet known."
    assert reason(-5, on_way=1).startswith("Messages were being sent.")


def test_sample_stores_differences_and_changes_no_entry(
    sandbox: RunningSandbox, client: Client
) -> None:
    factory.launched(60)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sandbox.settle()
    for recipient in Recipient.objects.all():  # as if polling had ended
        status = sandbox.client().status_by_reference(recipient.reference)
        assert status
        Recipient.objects.filter(pk=recipient.pk).update(final=True, status=status.status)
    before = LedgerEntry.objects.count()
    differing = gateway_comparison.check_sample(sandbox.client(), timezone.now(), size=20)
    assert (1 <= SampledStatus.objects.count() <= 20, LedgerEntry.objects.count()) == (True, before)
    assert differing == SampledStatus.objects.filter(agrees=False).count()
    sampled = SampledStatus.objects.all()[0]
    assert sampled.agrees == (sampled.reported_amount == sampled.entered)
    client.force_login(make_user())
    assert client.get("/spend/reconciliation/").status_code == 200


def test_unknown_prices_are_asked_for_again() -> None:
    now = timezone.now()
    ended = {"launched_at": now - timedelta(days=5), "finished_at": now - timedelta(days=5)}
    old = make_campaign("Old", CampaignState.FINISHED, **ended)
    send(old, {("UA", "unpriced"): 3, ("UA", "read"): 60})
    send(make_campaign("Fresh", CampaignState.FINISHED), {("UA", "unpriced"): 1})
    Recipient.objects.update(final=True)
    assert gateway_comparison.recheck_unknown_prices(now) == 3
    assert Recipient.objects.filter(campaign=old, final=False).count() == 3
    assert list(Batch.objects.filter(check_at__lte=now).values_list("campaign", "number")) == [
        (old.pk, 1)
    ]


def test_sms_without_a_price_is_asked_for_again_and_reserved_meanwhile() -> None:
    now = timezone.now()
    weeks_ago = {
        "launched_at": now - timedelta(days=20), "finished_at": now - timedelta(days=19)
    }  # fmt: skip
    campaign = make_campaign(
        "Old", CampaignState.FINISHED, sms_text="Hello", budget=Decimal(9), **weeks_ago
    )
    send(campaign, {("UA", "sms_delivered"): 2, ("UA", "unpriced"): 1})
    priced, unpriced = Recipient.objects.filter(sms_status="delivered").order_by("pk")
    Recipient.objects.update(final=True)
    Recipient.objects.filter(pk=unpriced.pk).update(sms_price=None)
    worst_case = Decimal("0.10")
    Batch.objects.update(checks=9, worst_case=worst_case, held_currency="EUR")
    assert gateway_comparison.recheck_unknown_prices(now) == 2
    assert set(Recipient.objects.filter(final=True)) == {priced}
    assert Batch.objects.get().held == 2 * worst_case
    assert holds.wrong_holds() == []


@pytest.mark.parametrize(
    ("reported", "entered", "agrees"),
    [
        ({"EUR": "1"}, {"EUR": "1"}, True),
        ({"EUR": "1", "USD": "2"}, {"EUR": "1", "USD": "2"}, True),
        ({"USD": "2"}, {"EUR": "0", "USD": "2"}, True),  # the euros were taken back
        ({"EUR": "0"}, {"EUR": "0"}, True),
        ({"EUR": "3"}, {"EUR": "1", "USD": "2"}, False),
        ({"USD": "1"}, {"EUR": "1"}, False),
        ({}, {"EUR": "0"}, False),
        ({"EUR": "0"}, {}, False),
        ({}, {}, True),
    ],
)
def test_amounts_agree_only_in_each_currency(
    reported: dict[str, str], entered: dict[str, str], agrees: bool
) -> None:
    both = [{name: Decimal(text) for name, text in one.items()} for one in (reported, entered)]
    assert gateway_comparison._agree(*both) is agrees


def test_nightly_check_runs_once_a_night(sandbox: RunningSandbox) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 2, 59, tzinfo=UTC), tick=False) as traveller:
        assert not gateway_comparison.check_nightly(sandbox.client(), timezone.now())
        traveller.move_to(datetime(2026, 11, 24, 3, 1, tzinfo=UTC))
        assert [
            gateway_comparison.check_nightly(sandbox.client(), timezone.now()) for _ in range(2)
        ] == [
            True,
            False,
        ]
        traveller.move_to(datetime(2026, 11, 25, 3, 1, tzinfo=UTC))
        assert gateway_comparison.check_nightly(sandbox.client(), timezone.now())


def test_an_answer_whose_total_is_not_its_sum_is_kept() -> None:
    def judged(total: str | None) -> tuple[bool, str]:
        verdicts: dict[str, Verdict] = {
            name: Accepted(name, Decimal("0.1"), "EUR") for name in ("a", "b")
        }
        judgement = interpret(
            SendAnswer(verdicts, total_price=None if total is None else Decimal(total)), 1
        )
        return judgement.keep_answer, judgement.summary

    assert [judged("0.20"), judged(None), judged("0.21")] == [
        (False, ""),
        (False, ""),
        (True, TOTAL_DIFFERS),
    ]


def test_reconciliation_is_not_for_viewers(client: Client) -> None:
    client.force_login(make_user("victor", Role.VIEWER))
    assert client.get("/spend/reconciliation/").status_code == 403
