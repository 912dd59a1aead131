"""The rows that the reports are measured on are such as sending and results leave them."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import F, Min, Sum
from django.db.models.functions import Coalesce

from campaigns.compose.models import Campaign
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


def test_make_steady_adds_campaigns_of_the_same_sizes() -> None:
    newest = report_rows.make_steady(3_600, part=600)
    sizes = Campaign.objects.order_by("pk").values_list("audience", flat=True)
    assert list(sizes) == [100] * 20 + [60, 90, 150, 300] * 6
    assert differences() == []
    assert (newest.audience, Recipient.objects.count()) == (300, 5_600)
    # 20 campaigns to the people of one month, then those of the next
    assert Recipient.objects.filter(msisdn="380670000601").count() == 20
    assert newest.recipients.aggregate(Min("msisdn"))["msisdn__min"] == "380670001201"
    launched = [one.launched_at for one in Campaign.objects.order_by("pk") if one.launched_at]
    assert {later - earlier for earlier, later in pairwise(launched)} == {timedelta(days=1.5)}
