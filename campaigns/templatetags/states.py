"""The word, colour and icon of each state, the same on every page."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import CampaignState, EventState, SeriesState, TriggerState
from campaigns.contacts.fetching.models import RunResult
from campaigns.contacts.models import Consent, ImportState
from campaigns.dispatch.models import DeliveryState, SendState
from campaigns.ledger.models import Purpose
from campaigns.results.models import StepState


@dataclass(frozen=True, slots=True)
class Look:
    label: str | Promise
    colour: str  # a class of site.css: state-<colour>
    icon: str = ""


CAMPAIGN: dict[str, Look] = {
    CampaignState.DRAFT: Look(CampaignState.DRAFT.label, "secondary", "pencil"),
    CampaignState.AWAITING_APPROVAL: Look(
        CampaignState.AWAITING_APPROVAL.label, "purple", "hourglass"
    ),
    CampaignState.SCHEDULED: Look(CampaignState.SCHEDULED.label, "azure", "clock"),
    CampaignState.PREPARING: Look(CampaignState.PREPARING.label, "cyan", "loader"),
    CampaignState.SENDING: Look(CampaignState.SENDING.label, "blue", "send"),
    CampaignState.PAUSED: Look(CampaignState.PAUSED.label, "yellow", "player-pause"),
    CampaignState.FINISHED: Look(CampaignState.FINISHED.label, "green", "check"),
    CampaignState.CANCELLED: Look(CampaignState.CANCELLED.label, "dark", "ban"),
}
BY_SMS = Look(_("By SMS"), "indigo", "message")
RECIPIENT: dict[str, Look] = {
    SendState.QUEUED: Look(_("Queued"), "secondary", "clock"),
    SendState.ACCEPTED: Look(_("Accepted"), "azure", "send"),
    SendState.REFUSED: Look(_("Refused"), "red", "x"),
    SendState.UNRESOLVED: Look(_("Unresolved"), "yellow", "question-mark"),
    SendState.CANCELLED: Look(_("Cancelled"), "dark", "ban"),
    DeliveryState.DELIVERED: Look(_("Delivered"), "teal", "check"),
    DeliveryState.READ: Look(_("Read"), "green", "checks"),
    DeliveryState.FALLBACK: BY_SMS,
    DeliveryState.FALLBACK_DELIVERED: BY_SMS,
    DeliveryState.NOT_DELIVERED: Look(_("Not delivered"), "orange", "circle-x"),
}
IMPORT: dict[str, Look] = {
    ImportState.UPLOADED: Look(ImportState.UPLOADED.label, "secondary", "columns"),
    ImportState.READING: Look(ImportState.READING.label, "secondary", "loader"),
    ImportState.CHECKING: Look(ImportState.CHECKING.label, "cyan", "loader"),
    ImportState.CHECKED: Look(ImportState.CHECKED.label, "azure", "list-check"),
    ImportState.QUEUED: Look(ImportState.QUEUED.label, "secondary", "clock"),
    ImportState.RUNNING: Look(ImportState.RUNNING.label, "blue", "loader"),
    ImportState.FINISHED: Look(ImportState.FINISHED.label, "green", "check"),
    ImportState.FAILED: Look(ImportState.FAILED.label, "red", "alert-circle"),
    ImportState.CANCELLED: Look(ImportState.CANCELLED.label, "dark", "ban"),
    ImportState.UNDOING: Look(ImportState.UNDOING.label, "cyan", "loader"),
    ImportState.UNDONE: Look(ImportState.UNDONE.label, "dark", "arrow-back-up"),
}
RUN: dict[str, Look] = {  # of a scheduled import
    RunResult.IMPORTED: Look(RunResult.IMPORTED.label, "green", "check"),
    RunResult.UNCHANGED: Look(RunResult.UNCHANGED.label, "secondary", "minus"),
    RunResult.REFUSED: Look(RunResult.REFUSED.label, "yellow", "alert-triangle"),
    RunResult.FAILED: Look(RunResult.FAILED.label, "red", "alert-circle"),
}
PURPOSES: dict[str, Look] = {  # a real campaign needs none
    Purpose.TEST: Look(_("Test"), "striped", "flask"),
    Purpose.REHEARSAL: Look(_("Rehearsal"), "striped", "test-pipe"),
}
STEP: dict[str, Look] = {
    StepState.PASSED: Look(StepState.PASSED.label, "green", "check"),
    StepState.WARNING: Look(StepState.WARNING.label, "yellow", "alert-triangle"),
    StepState.FAILED: Look(StepState.FAILED.label, "red", "x"),
    StepState.RUNNING: Look(StepState.RUNNING.label, "blue", "loader"),
    StepState.NOT_TRIED: Look(StepState.NOT_TRIED.label, "secondary", "minus"),
}
CONSENT: dict[str, Look] = {
    Consent.UNKNOWN: Look(Consent.UNKNOWN.label, "secondary", "question-mark"),
    Consent.GIVEN: Look(Consent.GIVEN.label, "green", "check"),
    Consent.WITHDRAWN: Look(Consent.WITHDRAWN.label, "red", "ban"),
}
TRIGGER: dict[str, Look] = {
    TriggerState.OFF: Look(TriggerState.OFF.label, "secondary", "player-pause"),
    TriggerState.ON: Look(TriggerState.ON.label, "green", "bolt"),
    TriggerState.ENDED: Look(TriggerState.ENDED.label, "dark", "ban"),
}
SERIES: dict[str, Look] = {
    SeriesState.OFF: Look(SeriesState.OFF.label, "secondary", "player-pause"),
    SeriesState.ON: Look(SeriesState.ON.label, "green", "rotate"),
    SeriesState.ENDED: Look(SeriesState.ENDED.label, "dark", "ban"),
}
EVENT: dict[str, Look] = {
    EventState.WAITING: Look(EventState.WAITING.label, "secondary", "clock"),
    EventState.TAKEN: Look(EventState.TAKEN.label, "azure", "send"),
    EventState.SKIPPED: Look(EventState.SKIPPED.label, "orange", "circle-x"),
}
TABLES = {
    "campaign": CAMPAIGN,
    "recipient": RECIPIENT,
    "import": IMPORT,
    "run": RUN,
    "step": STEP,
    "consent": CONSENT,
    "trigger": TRIGGER,
    "series": SERIES,
    "event": EVENT,
}


def look(kind: str, state: str) -> Look:
    """The look of a state of a `kind` of TABLES; unknown ones show their key."""
    return TABLES[kind].get(state) or Look(state, "secondary")


def recipient_state(recipient: Any) -> str:
    """The delivery state of a recipient, or the send state before there is one."""
    delivery: str = recipient.delivery_state
    sending: str = recipient.send_state
    return delivery if delivery in RECIPIENT else sending
