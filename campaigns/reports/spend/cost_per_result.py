"""Estimated against actual cost, and the cost per delivered message, reader and recipient who
clicked, of the campaigns launched in a period.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.compose.pricing.price_list import VIBER, Prices, UnitPrice, stored_prices
from campaigns.dispatch.models import SendState, Tally
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.reports.shared.bills import Bill, Cost, load_bills, totals_for
from campaigns.reports.shared.click_counts import count_clickers, select_tracked
from campaigns.reports.shared.delivery_counts import TALLY_KEYS, DeliveryCounts
from campaigns.reports.shared.periods import Period, period_bounds
from campaigns.reports.spend.spending import NONE, apply_filters
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.templatetags.viberdash import money_in_table, number, percent

UNIT_PLACES = Decimal("0.0001")
# filters that the tallies can answer too
TALLY_FILTERS = ("campaign", "country", "sender", "user", "tariff", "label", "list")


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A line of the card: `css` is its class."""

    label: str | Promise
    value: str
    css: str = ""


@dataclass(slots=True)
class CostPerResult:
    """What campaigns have cost so far, later adjustments included, and what they achieved.

    `estimates`: Viber for all accepted recipients by the stored price list, by currency.
    `tracked_bill` is that of the campaigns with tracked links; None where there are none.
    """

    counts: DeliveryCounts = field(default_factory=DeliveryCounts)
    bill: Bill = field(default_factory=Bill)
    estimates: dict[str, Decimal] = field(default_factory=dict)
    campaigns: int = 0
    tracked_bill: Bill | None = None
    clickers: int = 0

    def add(self, row: dict[str, Any], price: UnitPrice | None) -> None:
        """Add the recipients of a tally; `price` is that of one Viber message to them."""
        self.counts.add(row)
        if row["send_state"] == SendState.ACCEPTED and price:
            self.estimates.setdefault(price.currency, ZERO)
            self.estimates[price.currency] += price.amount * row["number"]

    @property
    def cost(self) -> Cost | None:
        """The cost in the only currency.

        None with several, as the recipients can't be divided by currency.
        """
        costs = self.bill.costs
        return costs[0] if len(costs) == 1 else None

    @property
    def estimate(self) -> Decimal | None:
        return self.estimates.get(self.cost.currency) if self.cost else None

    @property
    def charge_difference(self) -> Decimal:
        """What was charged at the send, less the estimate."""
        if not self.cost or self.estimate is None:
            return ZERO
        return self.cost.charged - self.estimate

    @property
    def per_delivered(self) -> Decimal | None:
        return self._per_recipient(self.counts.reached)

    @property
    def per_read(self) -> Decimal | None:
        return self._per_recipient(self.counts.read)

    @property
    def per_clicker(self) -> Decimal | None:
        """What campaigns with tracked links cost for each of their recipients who clicked."""
        if not self.cost or not self.tracked_bill or not self.clickers:
            return None
        cost = self.tracked_bill.by_currency.get(self.cost.currency)
        return (cost.total / self.clickers).quantize(UNIT_PLACES) if cost else None

    @property
    def per_sms(self) -> Decimal | None:
        """What the fallback cost for each recipient that it was sent to."""
        recipients = self.counts.by_sms
        if not self.cost or not recipients:
            return None
        return (self.cost.sms / recipients).quantize(UNIT_PLACES)

    def _per_recipient(self, recipients: int) -> Decimal | None:
        if not self.cost or not recipients:
            return None
        return (self.cost.total / recipients).quantize(UNIT_PLACES)

    @property
    def cost_lines(self) -> list[ResultLine]:
        """From the estimate to the final cost; empty without one currency."""
        return list(_cost_lines(self, self.cost)) if self.cost else []

    @property
    def unit_lines(self) -> list[ResultLine]:
        """The cost per result; empty without one currency."""
        return list(_unit_lines(self, self.cost)) if self.cost else []


def _cost_lines(result: CostPerResult, cost: Cost) -> Iterator[ResultLine]:
    counts = result.counts

    def line(label: str, amount: Decimal, css: str = "sums-quiet") -> ResultLine:
        return ResultLine(label, money_in_table(amount, cost.currency), css)

    if result.estimate is not None:
        yield line(_("Estimated, if Viber delivers to all accepted"), result.estimate, "")
        if result.charge_difference:
            label = _("Difference of network prices, or price changes")
            yield line(label, result.charge_difference)
    yield line(_("Charged at send"), cost.charged, "")
    if cost.adjustment:
        label = _("Adjustments: Viber did not reach %(number)s recipients")
        yield line(label % {"number": number(counts.not_by_viber)}, cost.adjustment)
    if counts.by_sms:
        label = _("SMS fallback to %(number)s recipients, %(share)s of accepted") % {
            "number": number(counts.by_sms),
            "share": percent(counts.by_sms, counts.accepted),
        }
        yield line(label, cost.sms)
    if cost.correction:
        yield line(_("Corrections"), cost.correction)
    label = _("Final cost")
    if unknown := result.bill.not_yet_known:
        label = _("So far, with %(number)s prices not yet known") % {"number": number(unknown)}
    yield line(label, cost.total, "sums-total")


def _unit_lines(result: CostPerResult, cost: Cost) -> Iterator[ResultLine]:
    counts = result.counts

    def amount(value: Decimal | None) -> str:
        return "–" if value is None else money_in_table(value, cost.currency)

    delivered = _("Cost per delivered (%(number)s)") % {"number": number(counts.reached)}
    yield ResultLine(delivered, amount(result.per_delivered))
    read = _("Cost per read (%(number)s)") % {"number": number(counts.read)}
    yield ResultLine(read, amount(result.per_read))
    if result.tracked_bill:
        clicked = _("Cost per recipient who clicked (%(number)s), of campaigns with tracked links")
        label = clicked % {"number": number(result.clickers)}
        yield ResultLine(label, amount(result.per_clicker))
    if result.per_sms is not None:
        yield ResultLine(_("Cost per SMS fallback"), amount(result.per_sms))
        yield ResultLine(_("SMS, share of the total"), percent(cost.sms, cost.total))


def load_costs_per_result(period: Period, filters: Mapping[str, str]) -> list[CostPerResult]:
    """Return the results of the campaigns launched in `period` that `filters` select.

    One for each currency, as a tariff is charged in one; a single one for all if a tariff was
    charged in two. A filter by channel is ignored. Four queries and the price lists, and two more
    where links are tracked.
    """
    start, end = period_bounds(period)
    launched = Q(campaign__launched_at__gte=start, campaign__launched_at__lt=end)
    known_filters = {key: value for key, value in filters.items() if key in TALLY_FILTERS}
    totals = apply_filters(totals_for().filter(launched), known_filters)
    campaigns = (
        totals.order_by().values_list("campaign__tariff").annotate(Count("campaign", distinct=True))
    )
    bills = {tariff: bill for (tariff,), bill in load_bills(totals, "campaign__tariff").items()}
    currencies = _tariff_currencies(bills)
    results: defaultdict[str, CostPerResult] = defaultdict(CostPerResult)
    for tariff, count in campaigns:
        results[currencies[tariff]].campaigns += count
        results[currencies[tariff]].bill.merge(bills[tariff])
    own = accounts.cached().is_shown("campaign__account")
    tallies = Tally.objects.filter(own, launched, campaign__purpose=Purpose.CAMPAIGN)
    prices = lru_cache(maxsize=None)(_load_prices)
    for row in _tally_rows(apply_filters(tallies, known_filters)):
        tariff = row["campaign__tariff"]
        if tariff in currencies:  # of the other tariffs nobody was accepted
            results[currencies[tariff]].add(row, prices(tariff).of(row["country"]))
    _add_clicks(results, currencies, totals, known_filters.get("country"))
    return [results[currency] for currency in sorted(results)]


def _add_clicks(
    results: Mapping[str, CostPerResult],
    currencies: Mapping[int, str],
    totals: QuerySet[LedgerTotal],
    country: str | None,
) -> None:
    """Add to each result what its campaigns with tracked links cost, and who clicked."""
    campaigns = Campaign.objects.filter(pk__in=totals.order_by().values("campaign"))
    tracked = {campaign.pk: campaign for campaign in select_tracked(campaigns)}
    if not tracked:
        return
    bills = load_bills(totals.filter(campaign__in=list(tracked)), "campaign__tariff")
    for (tariff,), bill in bills.items():
        result = results[currencies[tariff]]
        result.tracked_bill = result.tracked_bill or Bill()
        result.tracked_bill.merge(bill)
    clickers = count_clickers(tracked.values(), "" if country == NONE else country)
    for campaign_id, number_clicked in clickers.items():
        results[currencies[tracked[campaign_id].tariff]].clickers += number_clicked


def _tariff_currencies(bills: dict[int, Bill]) -> dict[int, str]:
    """Return the currency of each tariff; "" for all of them if one was charged in several."""
    separate = all(len(bill.by_currency) < 2 for bill in bills.values())
    return {tariff: "".join(bill.by_currency) if separate else "" for tariff, bill in bills.items()}


def _tally_rows(tallies: QuerySet[Tally]) -> Iterator[dict[str, Any]]:
    grouped = tallies.order_by().values("campaign__tariff", "country", *TALLY_KEYS)
    yield from grouped.annotate(number=Sum("recipients"))


def _load_prices(tariff: int) -> Prices:
    return stored_prices(VIBER, tariff)
