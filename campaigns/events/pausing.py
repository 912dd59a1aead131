"""A webhook that is paused because its target has not taken anything for days."""

from datetime import datetime

from campaigns.events.models import Webhook
from campaigns.events.targets import read
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.web.errors import FetchError
from campaigns.team import audit


def host_of(webhook: Webhook) -> str:
    """The host of its address, which may be shown where the address, maybe with a secret, may
    not.
    """
    try:
        return read(webhook.address).host
    except FetchError:
        return ""


def pause(webhook: Webhook, reason: str, now: datetime) -> None:
    """Send nothing to `webhook`, a locked row, any more; an alert tells of it."""
    webhook.paused_at, webhook.pause_reason = now, reason[:200]
    webhook.save(update_fields=["paused_at", "pause_reason"])
    with acting_for(webhook.brand_id):
        audit.record(None, webhook, "paused", reason)
