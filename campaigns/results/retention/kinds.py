"""The kinds of data that are deleted after a time: docs/production.md has the same table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import Min, Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.compose.library import web_pictures
from campaigns.compose.message import audience_counts
from campaigns.compose.models import AudienceCount, Campaign, TriggerEvent, WebPicture
from campaigns.compose.triggers import arrivals
from campaigns.contacts.importing import lifecycle, rejected_rows
from campaigns.contacts.models import Import
from campaigns.dispatch import evidence
from campaigns.dispatch.models import Evidence
from campaigns.dispatch.people import recipient_fields
from campaigns.ledger.models import Purpose
from campaigns.results import clear_rehearsals
from campaigns.results.models import StatusFile
from campaigns.team import mail_delivery
from campaigns.team.alerts import records
from campaigns.team.alerts.models import Alert
from campaigns.team.models import MailState, OutgoingMail, SignInTry, Submission
from campaigns.team.sign_in import throttle
from campaigns.team.tasks import SUBMISSIONS_KEPT
from campaigns.team.tokens import tokens
from campaigns.team.tokens.models import ApiAnswer

LazyText = Any  # a text, translated when it is shown
FOREVER = 0  # as a number of days


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data with a setting of its own.

    `effect`: what is deleted, and what is lost by that. `remove(before)` deletes a slice of what is
    older, and returns how many rows or files; None: nothing is left. `oldest`: when the oldest
    began to count.
    """

    name: str
    label: LazyText
    effect: LazyText
    setting: str
    remove: Callable[[datetime], int | None]
    oldest: Callable[[], datetime | None]

    @property
    def days(self) -> int:
        """How many days it is kept; FOREVER."""
        days: int = getattr(settings, self.setting)
        return days

    @property
    def period(self) -> str:
        """For pages: "180 days"."""
        return _days_text(self.days) if self.days != FOREVER else _("Kept")


@dataclass(frozen=True, slots=True)
class FixedKind:
    """A kind that its own code deletes all the time, after `kept`; None: once it is used."""

    label: LazyText
    effect: LazyText
    kept: Callable[[], timedelta | None]
    oldest: Callable[[], datetime | None]
    setting: str = ""

    @property
    def period(self) -> str:
        """For pages: "1 day"."""
        kept = self.kept()
        if kept is None:
            return _("Until used")
        hours = round(kept / timedelta(hours=1))
        if hours % 24:
            return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
        return _days_text(hours // 24)


def _days_text(days: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def _first(rows: QuerySet[Any], field: str) -> datetime | None:
    """`field` of the row that was made first: rows of these tables are made in order of time."""
    at: datetime | None = rows.order_by("pk").values_list(field, flat=True).first()
    return at


def _earliest(rows: QuerySet[Any], field: str) -> datetime | None:
    at: datetime | None = rows.aggregate(at=Min(field))["at"]
    return at


def _of(model: type[Model], field: str, **conditions: Any) -> Callable[[], datetime | None]:
    return lambda: _first(model._default_manager.filter(**conditions), field)


KINDS: list[Kind] = [
    Kind(
        "uploads",
        gettext_lazy("Contact files"),
        gettext_lazy(
            "Uploaded files whose import nobody started; the import is cancelled. The file of an"
            " import that was started is deleted at its end."
        ),
        "KEEP_UPLOADS_DAYS",
        lifecycle.cancel_abandoned,
        lambda: _first(lifecycle.not_started(), "created_at"),
    ),
    Kind(
        "rejected_rows",
        gettext_lazy("Rejected rows"),
        gettext_lazy(
            "Rows that imports rejected, which can't be downloaded and corrected any more. Their"
            " numbers and reasons stay."
        ),
        "KEEP_REJECTED_ROWS_DAYS",
        rejected_rows.remove_old,
        lambda: _earliest(rejected_rows.imports_with_rows(), "finished_at"),
    ),
    Kind(
        "recipient_fields",
        gettext_lazy("Merge fields of recipients"),
        gettext_lazy(
            "Merge fields of recipients of ended campaigns: the text that a recipient got can't be"
            " put together any more. Phones, states and costs stay, and so do the merge fields of"
            " failed and unresolved recipients, which a resend needs."
        ),
        "KEEP_RECIPIENT_FIELDS_DAYS",
        recipient_fields.remove_old,
        lambda: _earliest(recipient_fields.campaigns_with_fields(), "finished_at"),
    ),
    Kind(
        "gateway_responses",
        gettext_lazy("Gateway responses"),
        gettext_lazy("Unusual responses of the gateway, on the page of the campaign."),
        "KEEP_GATEWAY_RESPONSES_DAYS",
        evidence.remove_old,
        _of(Evidence, "at"),
    ),
    Kind(
        "mail",
        gettext_lazy("Sent e-mails"),
        gettext_lazy("E-mails with their texts. Attachments are deleted once they are sent."),
        "KEEP_MAIL_DAYS",
        partial(mail_delivery.remove_old, MailState.SENT),
        _of(OutgoingMail, "next_try_at", state=MailState.SENT),
    ),
    Kind(
        "failed_mail",
        gettext_lazy("E-mails that failed"),
        gettext_lazy("E-mails with their texts and attachments, which can't be resent any more."),
        "KEEP_FAILED_MAIL_DAYS",
        partial(mail_delivery.remove_old, MailState.FAILED),
        _of(OutgoingMail, "next_try_at", state=MailState.FAILED),
    ),
    Kind(
        "image_copies",
        gettext_lazy("Copies of images"),
        gettext_lazy("Copies of images from the web that no campaign and no template names."),
        "KEEP_IMAGE_COPIES_DAYS",
        web_pictures.remove_old,
        _of(WebPicture, "asked_at"),
    ),
    Kind(
        "alerts",
        gettext_lazy("Alerts that are over"),
        gettext_lazy("Alerts, since their end, and what was posted to the webhook about them."),
        "KEEP_ALERTS_DAYS",
        records.remove_old,
        _of(Alert, "told_end_at", told_end_at__isnull=False),
    ),
]


def register(kind: Kind) -> None:
    """Make a kind of a later stage known. Called once, at the start."""
    KINDS.append(kind)


FIXED_KINDS = (
    FixedKind(
        gettext_lazy("Old values of contacts"),
        gettext_lazy("Values that imports overwrote: the import can't be undone any more."),
        lambda: timedelta(days=settings.IMPORT_UNDO_DAYS),
        lambda: _earliest(Import.objects.filter(last_contact__isnull=False), "finished_at"),
        "IMPORT_UNDO_DAYS",
    ),
    FixedKind(
        gettext_lazy("Sessions"),
        gettext_lazy("Where users are signed in, with the browser and the IP address."),
        lambda: timedelta(hours=settings.SESSION_HOURS),
        _of(UserSession, "created_at"),
        "SESSION_HOURS",
    ),
    FixedKind(
        gettext_lazy("Failed sign-ins"),
        gettext_lazy(
            "The counted tries, with the IP address. The audit trail has its own entries."
        ),
        lambda: throttle.ACCOUNT_WINDOW,
        _of(SignInTry, "at"),
    ),
    FixedKind(
        gettext_lazy("Submitted forms"),
        gettext_lazy("What was answered to forms, to recognise one that is submitted twice."),
        lambda: SUBMISSIONS_KEPT,
        _of(Submission, "created_at"),
    ),
    FixedKind(
        gettext_lazy("Answers of the API"),
        gettext_lazy("What requests with an Idempotency-Key were answered, for repeated ones."),
        lambda: SUBMISSIONS_KEPT,
        _of(ApiAnswer, "created_at"),
    ),
    FixedKind(
        gettext_lazy("API tokens"),
        gettext_lazy("Tokens that expired or were revoked. The audit trail has its own entries."),
        lambda: tokens.KEPT,
        tokens.oldest_end,
    ),
    FixedKind(
        gettext_lazy("Rehearsals"),
        gettext_lazy("Ended rehearsals with all their recipients and results."),
        lambda: clear_rehearsals.KEPT_FOR,
        lambda: _earliest(Campaign.objects.filter(purpose=Purpose.REHEARSAL), "finished_at"),
    ),
    FixedKind(
        gettext_lazy("Counted audiences"),
        gettext_lazy("Counts of large audiences, which are made again when they are needed."),
        lambda: audience_counts.KEPT_FOR,
        lambda: _earliest(AudienceCount.objects.all(), "asked_at"),
    ),
    FixedKind(
        gettext_lazy("Events of triggers"),
        gettext_lazy("What other systems sent, by which a repeated event is recognised."),
        lambda: arrivals.KEPT_FOR,
        _of(TriggerEvent, "at"),
    ),
    FixedKind(
        gettext_lazy("Statistics files"),
        gettext_lazy("Files that the gateway makes with statuses; they are deleted there too."),
        lambda: None,
        _of(StatusFile, "asked_at"),
    ),
)


def all_kinds() -> list[Kind | FixedKind]:
    """Every kind, in the order of the page."""
    return [*KINDS, *FIXED_KINDS]
