"""The rows that the reports are measured on are such as sending and results leave them."""

import pytest
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from campaigns.dispatch.models import Recipient
from campaigns.ledger.models import LedgerEntry
from campaigns.results.money.rebuilding import differences
from campaigns.shared.money import from_units
from tests.benchmarks import report_rows

pytestmark = pytest.mark.django_db


def test_make_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_rows, "CAMPAIGNS", 3)
    largest = report_rows.make(2_000)
    assert differences() == []
    assert (largest.audience, largest.recipients.count(), Recipient.objects.count()) == (
        1_000,
        1_000,
        2_000,
    )
    newest = Recipient.objects.aggregate(
        viber=Sum(Coalesce("viber_price", "charged")), sms=Sum(Coalesce(F("sms_price"), 0))
    )
    entered = dict(LedgerEntry.objects.order_by().values_list("channel").annotate(Sum("amount")))
    assert (
        entered
        == newest
        == {"viber": from_units(1_640 * 234_567), "sms": from_units(140 * 410_005)}
    )
