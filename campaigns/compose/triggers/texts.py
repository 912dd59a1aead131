"""What pages and the API say of triggers and their events."""

from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.stopped_phones import NO_CONSENT, ON_STOP_LIST
from campaigns.compose.models import Trigger

RUN_CANCELLED = "run_cancelled"
BY_PERSON = "by_person"
TOO_OLD, CAPPED, QUEUED_BEFORE = "too_old", "frequency_cap", "queued_before"
TOO_MANY, TOO_MANY_TO_PERSON = "day_limit", "person_limit"
# why ViberDash switched a trigger off
OFF_REASONS = {RUN_CANCELLED: _("Its campaign of that day was cancelled.")}
# why an event is skipped
SKIP_REASONS = {
    BY_PERSON: _("Skipped by a user, or the trigger ended"),
    TOO_OLD: _("It waited longer than events may"),
    ON_STOP_LIST: _("The phone is on the stop list"),
    NO_CONSENT: _("The person did not agree to promotional messages"),
    CAPPED: _("The person has reached the frequency cap"),
    QUEUED_BEFORE: _("A message for this event was queued before"),
    TOO_MANY: _("The limit of messages for the day was reached"),
    TOO_MANY_TO_PERSON: _("The limit of messages to one person was reached"),
}


def off_reason(trigger: Trigger) -> str:
    """Why ViberDash switched the trigger off; "" if it did not."""
    return str(OFF_REASONS.get(trigger.reason, ""))


def skip_reason(reason: str) -> str:
    """Why an event was skipped; "" for no reason."""
    return str(SKIP_REASONS.get(reason, ""))
