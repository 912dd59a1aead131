"""Rates of recipients: what each is a share of. All pages say them with these bases."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.shared.figures.percentages import percent_text

AUDIENCE, ACCEPTED, DELIVERED, REACHED = "audience", "accepted", "delivered", "reached"
# what a share is of: properties of DeliveryCounts
BASES: dict[str, str | Promise] = {
    AUDIENCE: _("%(share)s of the audience"),
    ACCEPTED: _("%(share)s of accepted"),
    DELIVERED: _("%(share)s of delivered"),
    REACHED: _("%(share)s of those reached"),  # by Viber or SMS
}
# by property of DeliveryCounts: the one that it is a share of
BASE_OF = {
    "accepted": AUDIENCE,
    "refused": AUDIENCE,
    "unresolved": AUDIENCE,
    "delivered": ACCEPTED,
    "by_sms": ACCEPTED,
    "sms_delivered": ACCEPTED,
    "not_delivered": ACCEPTED,
    "read": DELIVERED,
}


def share_text(part: int, whole: int, base: str) -> str:
    """Return the share with its base: "78.3% of delivered"; "" of nobody."""
    return str(BASES[base]) % {"share": percent_text(part, whole)} if whole else ""
