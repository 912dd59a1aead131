"""What is known of everything but the campaign that decides whether it is sent."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from campaigns.compose.launch.reachable import key_refusal
from campaigns.dispatch.workers import health
from campaigns.ledger.models import Purpose
from campaigns.reports.statuses.gateway_state import GatewayState, load_gateway_state
from campaigns.shared.brands.scope import acting_brand
from campaigns.team import accounts, safe_mode
from campaigns.team.accounts import Accounts
from campaigns.team.holds.switch import current_holds


@dataclass(frozen=True, slots=True)
class Conditions:
    """`key_refusal`: why nothing can be sent with the key in use; "" if it can. `works`: whether
    the queue of any machine does.
    """

    now: datetime
    known: Accounts
    gateway: GatewayState
    key_refusal: str = ""
    in_safe_mode: bool = False
    is_held: bool = False
    works: bool = True


def load_conditions() -> Conditions:
    """What is known now, for the brand and the key in use. Four queries."""
    now, known = timezone.now(), accounts.cached()
    return Conditions(
        now,
        known,
        load_gateway_state(now),
        key_refusal(Purpose.TEST, known),
        safe_mode.in_safe_mode(),
        bool(current_holds(acting_brand())),
        health.is_any_alive(),
    )
