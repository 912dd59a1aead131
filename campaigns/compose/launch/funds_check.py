"""Whether there is enough money: the estimate against the campaign's budget and the account's
balance.
"""

from collections.abc import Iterator
from decimal import Decimal

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from campaigns.compose.launch.warnings import Problem
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.estimate import Estimate, format_amount
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Balance
from campaigns.shared.money import ZERO

FRESH = 60  # seconds


def balance() -> Balance | None:
    """What the account held at most a minute ago; None where the gateway does not say."""
    key = f"means:{settings.BSG_API_URL}"
    known: Balance | str | None = cache.get(key)
    if known is None:
        try:
            known = price_list.client().balance()
        except GatewayError:
            known = "unknown"
        cache.set(key, known, FRESH)
    return known if isinstance(known, Balance) else None


def money_warnings(campaign: Campaign, estimate: Estimate) -> Iterator[Problem]:
    """Where the money may end before the audience does. Sums are compared within one currency
    only.
    """
    if campaign.budget is not None:
        yield from _budget(campaign.budget, estimate)
    if estimate.totals and (held := balance()):
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
                "most": format_amount(total.most, currency),
                "budget": format_amount(budget, currency),
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
                "most": format_amount(total.most, held.currency),
                "available": format_amount(available, held.currency),
            },
        )
