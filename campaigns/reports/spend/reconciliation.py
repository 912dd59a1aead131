"""Reconciliation: the ledger compared with the gateway, differences and their likely reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Evidence
from campaigns.dispatch.send.interpret_answer import TOTAL_DIFFERS
from campaigns.ledger.models import BalanceReading, LedgerTotal, Purpose
from campaigns.reports.shared.key_figures import KeyFigure
from campaigns.results.models import SampledStatus
from campaigns.shared.brands.scope import all_brands
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.team.accounts import Accounts
from campaigns.team.brands import are_several
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.templatetags.viberdash import money, number

PERIOD = timedelta(days=7)
GAP = timedelta(minutes=100)  # between two hourly readings; more means that some are missing
SHOWN_ROWS = 50  # of each kind of difference


@dataclass(frozen=True, slots=True)
class BalanceHour:
    """The time between two readings of the balance."""

    before: BalanceReading
    after: BalanceReading

    @property
    def balance_change(self) -> Decimal:
        change: Decimal = self.after.amount - self.before.amount
        return change

    @property
    def entered(self) -> Decimal:
        """What was entered into the ledger."""
        entered: Decimal = self.after.entered - self.before.entered
        return entered

    @property
    def difference(self) -> Decimal:
        """How much higher the balance is than the ledger explains."""
        return self.balance_change + self.entered

    @property
    def reason(self) -> str:
        """The likely reason of the difference; "" where there is none."""
        if not self.difference:
            return ""
        if self.after.on_way or self.before.on_way:
            return _("Messages were being sent. The hours before or after should balance it.")
        if self.difference > 0:
            return _(
                "Most likely a top-up, or a refund for messages whose new price was not fetched"
                " yet."
            )
        if self.after.unknown > self.before.unknown:
            return _("Most likely messages whose price is not yet known.")
        return _(
            "Charged but not in the ledger: a monthly sender fee, another system on the same"
            " account, or a price increase that was not fetched yet."
        )

    @property
    def has_gap(self) -> bool:
        """Whether readings are missing in between."""
        return self.after.hour - self.before.hour > GAP


@dataclass(frozen=True, slots=True)
class StatusSample:
    """Messages whose status and price were fetched again last night."""

    checked: int
    differing: list[SampledStatus]


@dataclass(frozen=True, slots=True)
class UnknownPrices:
    """A campaign, and how many of its prices are not known yet."""

    campaign: Campaign
    prices: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`hours`: the newest first. `wrong_totals`: responses whose total is not the sum of their
    prices.
    """

    hours: list[BalanceHour]
    sample: StatusSample
    unknown: list[UnknownPrices]
    wrong_totals: QuerySet[Evidence]

    @property
    def differing_hours(self) -> list[BalanceHour]:
        return [hour for hour in self.hours if hour.difference]

    @property
    def difference(self) -> Decimal:
        """The sum over all hours."""
        return sum((hour.difference for hour in self.hours), ZERO)

    @property
    def figures(self) -> list[KeyFigure]:
        """The number of differences of each kind."""
        differing, sample = self.differing_hours, self.sample
        text = ngettext(
            "%(number)s of %(all)s hours differs",
            "%(number)s of %(all)s hours differ",
            len(differing),
        )
        return [
            KeyFigure(
                _("Balance difference, 7 days"),
                money(self.difference, self.hours[0].after.currency) if self.hours else "–",
                text % {"number": number(len(differing)), "all": number(len(self.hours))},
            ),
            KeyFigure(
                _("Last night's sample"),
                f"{number(len(sample.differing))} / {number(sample.checked)}",
                _("messages differ"),
            ),
            KeyFigure(
                _("Responses with a wrong total"),
                number(len(self.wrong_totals)),
                _("differ from the sum of their prices"),
            ),
            KeyFigure(
                _("Campaigns with unknown prices"),
                number(len(self.unknown)),
                _("fetched again every night"),
            ),
        ]


def load_reconciliation_for(user: User) -> Reconciliation:
    """`load_reconciliation` of all brands, as the differences are those of the account. So where
    there are several, it raises PermissionDenied for those who don't correct the ledger.
    """
    if are_several() and not has_permission(user, Permission.CORRECT_LEDGER):
        raise PermissionDenied
    with all_brands():
        return load_reconciliation()


def load_reconciliation(now: datetime | None = None) -> Reconciliation:
    """Compare the last seven days of the account in use."""
    since, known = (now or timezone.now()) - PERIOD, accounts.cached()
    readings = BalanceReading.objects.filter(known.is_shown(), hour__gte=since)
    differing = Evidence.objects.filter(known.is_shown("campaign__account"), what=TOTAL_DIFFERS)
    return Reconciliation(
        pair_readings(readings.order_by("hour")),
        _load_sample(known),
        _load_unknown_prices(known),
        differing.select_related("campaign")[:SHOWN_ROWS],
    )


def pair_readings(readings: Iterable[BalanceReading]) -> list[BalanceHour]:
    """Return each two successive readings of one currency, the newest first."""
    pairs = [
        BalanceHour(*pair) for pair in pairwise(readings) if pair[0].currency == pair[1].currency
    ]
    return pairs[::-1]


def _load_sample(known: Accounts) -> StatusSample:
    own = SampledStatus.objects.all()
    if condition := known.is_shown():
        own = own.filter(campaign_id__in=Campaign.objects.filter(condition).values("pk"))
    last = own.order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return StatusSample(0, [])
    sampled = own.filter(day=last).select_related("recipient")
    return StatusSample(sampled.count(), list(sampled.filter(agrees=False)[:SHOWN_ROWS]))


def _load_unknown_prices(known: Accounts) -> list[UnknownPrices]:
    """Return the campaigns with unknown prices, those with the most first."""
    totals = LedgerTotal.objects.filter(known.money()).exclude(purpose=Purpose.REHEARSAL).order_by()
    sums = (
        totals.values_list("campaign")
        .annotate(prices=Sum("unknown"))
        .filter(prices__gt=0)
        .order_by("-prices")
    )
    prices = dict(sums[:SHOWN_ROWS])
    campaigns = Campaign.objects.in_bulk(list(prices))
    return [UnknownPrices(campaigns[pk], count) for pk, count in prices.items() if pk in campaigns]
