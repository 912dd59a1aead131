"""The figures of a campaign's page: key figures and the lines of its cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaigns.reports.campaign.progress import CampaignProgress
from campaigns.reports.shared.bills import Cost
from campaigns.reports.shared.key_figures import KeyFigure, channel_split, join_hints
from campaigns.reports.shared.rates import share_text
from campaigns.templatetags.viberdash import money, money_exact, number

UNIT_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of the cost; `css` is its class, `url` opens the ledger entries behind it."""

    label: str | Promise
    amount: str
    url: str = ""
    css: str = ""


def key_figures(progress: CampaignProgress) -> list[KeyFigure]:
    """Return the figures on top: audience, accepted, delivered, read, and cost by currency."""
    counts = progress.counts
    waiting = _("%(number)s waiting") % {"number": number(counts.queued)}
    cost_label = _("Cost so far") if progress.refresh_seconds else _("Cost")
    return [
        KeyFigure(
            _("Audience"),
            number(counts.audience),
            waiting if counts.queued else _("nobody waiting"),
        ),
        KeyFigure(
            _("Accepted"),
            number(counts.accepted),
            join_hints(
                share_text(counts.accepted, counts.audience, "audience"),
                _counted(_("%(number)s refused"), counts.refused),
                _counted(_("%(number)s unresolved"), counts.unresolved),
            ),
        ),
        KeyFigure(
            _("Delivered"),
            number(counts.delivered),
            join_hints(
                share_text(counts.delivered, counts.accepted, "accepted"),
                _counted(_("%(number)s by SMS"), counts.by_sms),
            ),
        ),
        KeyFigure(
            _("Read"),
            number(counts.read),
            share_text(counts.read, counts.delivered, "delivered") or "–",
        ),
        *(
            KeyFigure(cost_label, money(cost.total, cost.currency), channel_split(cost))
            for cost in progress.bill.costs
        ),
    ]


def _counted(text: str, count: int) -> str:
    return text % {"number": number(count)} if count else ""


def cost_tables(progress: CampaignProgress) -> list[list[CostLine]]:
    """Return the lines of the cost and of the revenue, a list for each currency."""
    tables = [
        [*_cost_lines(progress, cost), *_revenue_lines(progress, cost.currency)]
        for cost in progress.bill.costs
    ]
    without_cost = sorted(_revenue(progress).keys() - progress.bill.by_currency.keys())
    return tables + [list(_revenue_lines(progress, currency)) for currency in without_cost]


def _revenue(progress: CampaignProgress) -> dict[str, Decimal]:
    return progress.conversions.revenue if progress.conversions else {}


def _revenue_lines(progress: CampaignProgress, currency: str) -> Iterator[CostLine]:
    """What conversions were worth in `currency`, and how often that covers the cost."""
    amount = _revenue(progress).get(currency)
    if progress.conversions is None or amount is None:
        return
    yield CostLine(_("Revenue of conversions"), money_exact(amount, currency))
    covered = progress.conversions.returns(progress.bill).get(currency)
    if covered is not None:
        yield CostLine(_("Return (revenue ÷ cost)"), floatformat(covered, 2))


def _cost_lines(progress: CampaignProgress, cost: Cost) -> Iterator[CostLine]:
    urls, currency, counts = progress.ledger_urls, cost.currency, progress.counts

    def exact(amount: Decimal) -> str:
        return money_exact(amount, currency)

    if (estimate := progress.estimates.get(currency)) is not None:
        yield CostLine(_("Viber, estimated"), exact(estimate), css="sums-quiet")
    yield CostLine(_("Viber, charged at send"), exact(cost.charged), css="sums-quiet")
    if cost.adjustment:
        yield CostLine(_("Viber, adjustments"), exact(cost.adjustment), css="sums-quiet")
    yield CostLine(_("Viber"), exact(cost.viber), urls["viber"] if cost.viber else "")
    yield CostLine(_("SMS"), exact(cost.sms), urls["sms"] if cost.sms else "")
    total_label = _("Total so far") if progress.refresh_seconds else _("Total")
    yield CostLine(total_label, exact(cost.total), urls["all"], "sums-total")
    for label, recipients in (
        (_("Per delivered, by Viber or SMS"), counts.reached),
        (_("Per read"), counts.read),
        (_("Per recipient who clicked"), progress.clickers),
    ):
        if recipients:
            yield CostLine(label, exact((cost.total / recipients).quantize(UNIT_PLACES)))
    if progress.campaign.budget:
        yield CostLine(_("Budget"), money(progress.campaign.budget, currency))
