"""How long deliveries of webhooks are kept, and the changes of which their events are made."""

from django.db.models import Min
from django.utils.translation import gettext_lazy

from campaigns.events import deliveries
from campaigns.results.retention import kinds
from campaigns.shared.changes.models import Change


def register() -> None:
    """Make this kind of data known to the nightly job and to its page."""
    kinds.register(
        kinds.Kind(
            "webhook_log",
            gettext_lazy("Webhook events"),
            gettext_lazy(
                "Events and deliveries of webhooks, which can't be resent any more. What a paused"
                " webhook has not got by then is lost for it."
            ),
            "KEEP_WEBHOOK_LOG_DAYS",
            deliveries.remove_old,
            lambda: Change._base_manager.aggregate(at=Min("at"))["at"],
        )
    )
