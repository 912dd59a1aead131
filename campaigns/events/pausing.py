"""A webhook that is paused because its target has not taken anything for days."""

from datetime import datetime

from django.utils.translation import gettext as _

from campaigns.events.models import Webhook
from campaigns.events.targets import read
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.web.errors import FetchError
from campaigns.team import audit, mail
from campaigns.team.permissions import Permission
from campaigns.team.roles import users_with_permission


def host_of(webhook: Webhook) -> str:
    """The host of its address, which may be shown where the address, maybe with a secret, may
    not.
    """
    try:
        return read(webhook.address).host
    except FetchError:
        return ""


def pause(webhook: Webhook, reason: str, now: datetime) -> None:
    """Send nothing to `webhook`, a locked row, any more, and tell the administrators."""
    webhook.paused_at, webhook.pause_reason = now, reason[:200]
    webhook.save(update_fields=["paused_at", "pause_reason"])
    with acting_for(webhook.brand_id):
        audit.record(None, webhook, "paused", reason)
        mail.mail(
            users_with_permission(Permission.OPERATE),
            _("ViberDash: the webhook to %(host)s is paused") % {"host": host_of(webhook)},
            _(
                "%(reason)s\n\nEvents are kept for it. When the other system works again, switch"
                " the webhook on:\n%(link)s\n"
            )
            % {"reason": reason, "link": mail.link(webhook.get_absolute_url())},
        )
