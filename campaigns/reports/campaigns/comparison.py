"""Campaigns side by side: the same figures in the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.reports.campaigns.overview import CampaignRow
from campaigns.reports.shared.conversion_counts import ConversionCounts
from campaigns.reports.shared.rates import BASE_OF, REACHED, share_text
from campaigns.reports.spend.entries import ledger_url
from campaigns.shared.query_values import read_ids

MAX_CAMPAIGNS = 6  # columns that fit on a screen
UNIT_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class CountCell:
    """A number of recipients of one campaign; it is a share of `whole`, or of nothing (None)."""

    number: int
    whole: int | None = None
    url: str = ""  # of these recipients
    base: str = ""  # of rates.BASES

    @property
    def share(self) -> str:
        """The share with what it is a share of; "" for none."""
        return share_text(self.number, self.whole, self.base) if self.whole else ""


@dataclass(frozen=True, slots=True)
class CountRow:
    label: str | Promise
    cells: list[CountCell | None]  # one for each campaign; None: nobody knows


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of one campaign in one currency."""

    amount: Decimal
    currency: str
    url: str = ""  # of its ledger entries
    is_ratio: bool = False  # of two amounts in that currency


@dataclass(frozen=True, slots=True)
class CostRow:
    label: str | Promise
    cells: list[list[Amount]]  # for each campaign, an amount for each currency


# label, property of DeliveryCounts, filter of the recipients
COUNTS: tuple[tuple[str | Promise, str, str], ...] = (
    (_("Audience"), "audience", ""),
    (_("Accepted"), "accepted", "taken"),
    (_("Delivered"), "delivered", "by_viber"),
    (_("Read"), "read", "read"),
    (_("By SMS"), "by_sms", "by_sms"),
    (_("Not delivered"), "not_delivered", "not_delivered"),
    (_("Refused"), "refused", "refused"),
    (_("Unresolved"), "unresolved", "unresolved"),
)


def count_rows(
    rows: Sequence[CampaignRow],
    clickers: Mapping[int, int],
    conversions: Mapping[int, ConversionCounts],
) -> list[CountRow]:
    """Return a row for each state of recipients, and one each of `clickers` and of those who
    converted, by the ids of campaigns that are tracked.
    """
    counts = [
        CountRow(label, [_count_cell(row, count, state) for row in rows])
        for label, count, state in COUNTS
    ]
    converted = {pk: each.recipients for pk, each in conversions.items()}
    for label, name, numbers in (
        (_("Clicked"), "clicked", clickers), (_("Converted"), "converted", converted),
    ):  # fmt: skip
        if numbers:
            cells = [_link_cell(row, name, numbers.get(row.campaign.pk)) for row in rows]
            counts.append(CountRow(label, cells))
    return counts


def _link_cell(row: CampaignRow, name: str, number: int | None) -> CountCell | None:
    """Recipients whom the filter `name` of the table finds; None where nobody knows."""
    if number is None:
        return None
    url = reverse("campaign-recipients", args=[row.campaign.pk])
    return CountCell(
        number, row.counts.reached, f"{url}?{name}=yes#tabs" if number else "", REACHED
    )


def _count_cell(row: CampaignRow, count: str, state: str) -> CountCell:
    url = reverse("campaign-recipients", args=[row.campaign.pk])
    number: int = getattr(row.counts, count)
    base = BASE_OF.get(count, "")
    return CountCell(
        number,
        getattr(row.counts, base) if base else None,
        f"{url}?state={state}#tabs" if number else "",
        base,
    )


def cost_rows(
    rows: Sequence[CampaignRow],
    clickers: Mapping[int, int],
    conversions: Mapping[int, ConversionCounts],
) -> list[CostRow]:
    """Return the costs: by channel, in total, per delivered, per read; per recipient who clicked
    where any campaign is tracked, and revenue and return where any tracks conversions.
    """
    costs = [
        CostRow(_("Viber"), [_amounts(row, "viber", channel="viber") for row in rows]),
        CostRow(_("SMS"), [_amounts(row, "sms", channel="sms") for row in rows]),
        CostRow(_("Total"), [_amounts(row, "total") for row in rows]),
        CostRow(
            _("Per delivered, by Viber or SMS"),
            [_unit_costs(row, row.counts.reached) for row in rows],
        ),
        CostRow(_("Per read"), [_unit_costs(row, row.counts.read) for row in rows]),
    ]
    if clickers:
        per_click = [_unit_costs(row, clickers.get(row.campaign.pk, 0)) for row in rows]
        costs.append(CostRow(_("Per recipient who clicked"), per_click))
    if conversions:
        none = ConversionCounts()
        made = [(row, conversions.get(row.campaign.pk, none)) for row in rows]
        revenue = [_by_currency(each.revenue) for _row, each in made]
        returns = [_by_currency(each.returns(row.bill), is_ratio=True) for row, each in made]
        costs.append(CostRow(_("Revenue of conversions"), revenue))
        costs.append(CostRow(_("Return (revenue ÷ cost)"), returns))
    return costs


def _by_currency(amounts: Mapping[str, Decimal], *, is_ratio: bool = False) -> list[Amount]:
    return [Amount(amount, currency, is_ratio=is_ratio) for currency, amount in amounts.items()]


def _amounts(row: CampaignRow, part: str, **filters: str) -> list[Amount]:
    url = ledger_url(row.campaign, **filters)
    amounts = [(getattr(cost, part), cost.currency) for cost in row.bill.costs]
    return [Amount(amount, currency, url if amount else "") for amount, currency in amounts]


def _unit_costs(row: CampaignRow, recipients: int) -> list[Amount]:
    if not recipients:
        return []
    return [
        Amount((cost.total / recipients).quantize(UNIT_PLACES), cost.currency)
        for cost in row.bill.costs
    ]


def chosen_campaigns(values: Sequence[str]) -> list[int]:
    """Return the campaigns' ids in a query string, in order, each once; anything else is
    ignored.
    """
    return list(dict.fromkeys(read_ids(values)))[:MAX_CAMPAIGNS]
