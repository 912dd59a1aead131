"""Asking the gateway whether it is there and takes our key."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.balance import request_balance
from campaigns.gateway.errors import GatewayError, GatewayRefused, GatewayUnreachable


@dataclass(frozen=True, slots=True)
class Connection:
    """What came of the question. `words` and `next_step` where it failed; the balance where it did
    not.
    """

    works: bool
    amount: Decimal | None = None
    currency: str = ""
    words: str | Promise = ""
    next_step: str | Promise = ""


def _failure(failure: GatewayError) -> Connection:
    if isinstance(failure, GatewayRefused):
        return Connection(
            False, words=failure.meaning.sentence, next_step=failure.meaning.next_step
        )
    if isinstance(failure, GatewayUnreachable):
        return Connection(
            False,
            words=_("The gateway does not answer."),
            next_step=_(
                "Check the address, and whether this server may reach it. Sending goes on by itself"
                " once it answers."
            ),
        )
    return Connection(
        False,
        words=_("Something answered, but not as the gateway does."),
        next_step=_("Check the address: it may belong to another server or to a proxy."),
    )


def check_connection() -> Connection:
    """Ask for the balance: the cheapest call that needs the key. Never raises for what the gateway
    or network does.
    """
    try:
        balance = request_balance()
    except GatewayError as failure:
        return _failure(failure)
    return Connection(True, amount=balance.amount, currency=balance.currency)
