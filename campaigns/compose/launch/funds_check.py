"""Whether there is enough money: the estimate against the campaign's budget and the account's
balance.
"""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from campaigns.compose.launch.warnings import Problem
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, in_words
from campaigns.gateway.balance import load_balance
from campaigns.gateway.types import Balance
from campaigns.shared.money import ZERO


def money_warnings(campaign: Campaign, estimate: Estimate) -> Iterator[Problem]:
    """Where the money may end before the audience does. Sums are compared within one currency
    only.
    """
    if campaign.budget is not None:
        yield from _budget(campaign.budget, estimate)
    if estimate.totals and (held := load_balance().balance):
        yield from _balance(held, estimate)


def _budget(budget: Decimal, estimate: Estimate) -> Iterator[Problem]:
    if len(estimate.totals) != 1:
        return
    currency, total = next(iter(estimate.totals.items()))
    if total.most > budget:
        yield Problem(
            "budget",
            _("It may cost up to %(most)s; at the budget of %(budget)s sending pauses.")
            % {
                "most": in_words(total.most, currency),
                "budget": in_words(budget, currency),
            },
        )


def _balance(held: Balance, estimate: Estimate) -> Iterator[Problem]:
    total = estimate.totals.get(held.currency)
    available = max(held.amount + held.limit, ZERO)
    if total and total.most > available:
        yield Problem(
            "",
            _(
                "It may cost up to %(most)s; the account has %(available)s. When it is out, sending"
                " pauses."
            )
            % {
                "most": in_words(total.most, held.currency),
                "available": in_words(available, held.currency),
            },
        )
