"""Whether the money is enough: the estimate against the campaign's budget and the balance.

Also the currency of that budget.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from campaigns.compose.launch.problem import Problem
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.estimate import Estimate, format_amount
from campaigns.gateway.balance import load_balance
from campaigns.gateway.types import Balance
from campaigns.shared.money import ZERO

Source = Callable[[Campaign, Estimate], Iterator[Problem]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Have `source` warn of limits that a later stage knows, such as the budgets of the month."""
    if source not in _sources:
        _sources.append(source)


def registered_warnings(campaign: Campaign, estimate: Estimate) -> Iterator[Problem]:
    """The warnings of the registered sources."""
    for source in _sources:
        yield from source(campaign, estimate)


def budget_currency(campaign: Campaign, budget: Decimal | None) -> str:
    """The currency of a budget: that of the price list. Without one, or if prices have several,
    that of the budget before; "" without a budget.
    """
    if budget is None:
        return ""
    currency = price_list.single_currency(campaign.tariff, with_sms=bool(campaign.sms_text))
    return currency or campaign.budget_currency


def money_warnings(campaign: Campaign, estimate: Estimate) -> Iterator[Problem]:
    """Warn if the budget or the balance may run out; only equal currencies are compared."""
    if campaign.budget is not None:
        yield from _budget_warnings(campaign.budget, estimate)
    if estimate.totals and (funds := load_balance().balance):
        yield from _balance_warnings(funds, estimate)


def _budget_warnings(budget: Decimal, estimate: Estimate) -> Iterator[Problem]:
    if len(estimate.totals) != 1:
        return
    currency, total = next(iter(estimate.totals.items()))
    if total.most > budget:
        yield Problem(
            "budget",
            _("It may cost up to %(most)s. Sending pauses at the budget of %(budget)s.")
            % {
                "most": format_amount(total.most, currency),
                "budget": format_amount(budget, currency),
            },
        )


def _balance_warnings(funds: Balance, estimate: Estimate) -> Iterator[Problem]:
    total = estimate.totals.get(funds.currency)
    available = max(funds.amount + funds.limit, ZERO)
    if total and total.most > available:
        yield Problem(
            "",
            _(
                "It may cost up to %(most)s, but the account has %(available)s. Sending pauses when"
                " the balance runs out."
            )
            % {
                "most": format_amount(total.most, funds.currency),
                "available": format_amount(available, funds.currency),
            },
        )
