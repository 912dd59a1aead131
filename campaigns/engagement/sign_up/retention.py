"""How long requests to be on a list are kept."""

from datetime import datetime

from django.db.models import Min
from django.utils.translation import gettext_lazy

from campaigns.compose.models import TriggerEvent
from campaigns.engagement.sign_up import work
from campaigns.engagement.sign_up.models import SignUp
from campaigns.results.retention import kinds
from campaigns.shared import database_clock

SLICE = 1_000


def remove_old(before: datetime) -> int | None:
    """Delete a slice of the requests that were made before, with their events: how many. None:
    nothing is left.
    """
    work.prune(database_clock.now())
    old = SignUp._base_manager.filter(event__at__lt=before).order_by("pk")
    keys = list(old.values_list("pk", flat=True)[:SLICE])
    if not keys:
        return None
    TriggerEvent._base_manager.filter(pk__in=keys).delete()
    return len(keys)


def register() -> None:
    """Make this kind of data known to the nightly job and to its page."""
    kinds.register(
        kinds.Kind(
            "sign_ups",
            gettext_lazy("Sign-ups"),
            gettext_lazy(
                "Requests to be on a list, confirmed or not, with the phone. The consent of those"
                " who confirmed stays, and so do the counts by day."
            ),
            "KEEP_SIGN_UPS_DAYS",
            remove_old,
            lambda: SignUp._base_manager.aggregate(at=Min("event__at"))["at"],
        )
    )
