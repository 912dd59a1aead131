"""Whether the gateway answers and accepts the API key."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.balance import request_balance
from campaigns.gateway.errors import GatewayError, GatewayRefused, GatewayUnreachable


@dataclass(frozen=True, slots=True)
class Connection:
    """The result of a check: the balance, or what is wrong and what to do."""

    works: bool
    amount: Decimal | None = None
    currency: str = ""
    problem: str | Promise = ""
    next_step: str | Promise = ""


UNREACHABLE = Connection(
    works=False,
    problem=_("The gateway does not answer."),
    next_step=_(
        "Check its address, and whether this server can reach it. Sending resumes by itself once"
        " the gateway answers."
    ),
)
NOT_A_GATEWAY = Connection(
    works=False,
    problem=_("Something answered, but not like the gateway."),
    next_step=_("Check the address: it may belong to another server or to a proxy."),
)


def check_connection() -> Connection:
    """Ask for the balance, the cheapest call that needs the key. Raises nothing."""
    try:
        balance = request_balance()
    except GatewayError as error:
        return explain(error)
    return Connection(works=True, amount=balance.amount, currency=balance.currency)


def explain(error: GatewayError) -> Connection:
    """What is wrong if a call fails with `error`, and what to do."""
    if isinstance(error, GatewayRefused):
        return Connection(
            works=False, problem=error.meaning.sentence, next_step=error.meaning.next_step
        )
    return UNREACHABLE if isinstance(error, GatewayUnreachable) else NOT_A_GATEWAY
