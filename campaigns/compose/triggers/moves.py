"""What users do with triggers, each recorded in the audit trail. Pages and API call it."""

from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.editor.drafts import lock_free_draft, lock_version
from campaigns.compose.launch import approval, reachable
from campaigns.compose.launch.checks import message_problems
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.launch.problem import Problem
from campaigns.compose.models import (
    EventState,
    Timing,
    Trigger,
    TriggerEvent,
    TriggerState,
)
from campaigns.compose.triggers.arrivals import TAKE
from campaigns.compose.triggers.texts import BY_PERSON
from campaigns.ledger.models import Purpose
from campaigns.shared.queue import enqueue
from campaigns.team import accounts, audit
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.models import User


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages of a trigger on one day, of these to one person, and how many hours an event may
    wait.
    """

    people_max: int
    person_max: int
    wait_max: int

    def __str__(self) -> str:
        return f"{self.people_max} a day, {self.person_max} a person, {self.wait_max} h"


@transaction.atomic
def set_up(campaign_id: int, event: str, limits: Limits, actor: User | None) -> Trigger:
    """Make a trigger that is off, whose message is that of a draft. Raises Refused."""
    draft = lock_free_draft(campaign_id)
    try:
        with transaction.atomic():
            trigger = Trigger.objects.create(
                event=event, draft=draft, created_by=actor, **asdict(limits)
            )
    except IntegrityError:
        raise Refused(_("Another trigger has this event.")) from None
    audit.record(actor, trigger, "created", f"{event}: {limits}; campaign {draft.pk}")
    return trigger


@transaction.atomic
def change_limits(trigger_id: int, limits: Limits, actor: User | None) -> None:
    """Change the limits of a trigger, at once. Raises Refused if it ended."""
    trigger = _lock(trigger_id)
    if trigger.state == TriggerState.ENDED:
        raise _ended()
    Trigger.objects.filter(pk=trigger.pk).update(**asdict(limits))
    audit.record(actor, trigger, "edited", str(limits))


def problems(trigger: Trigger) -> list[Problem]:
    """What forbids to switch a trigger on, at the fields of its draft."""
    draft = trigger.draft
    if draft is None:
        return [Problem("", _("The trigger has no message any more."))]
    found = message_problems(draft)
    if draft.timing != Timing.NOW:
        text = _("A trigger sends when an event comes: choose “Now” in the card “When”.")
        found.append(Problem("scheduled_at", text))
    if draft.variants:
        text = _("A trigger sends one message to everybody: remove the variants.")
        found.append(Problem("variants", text))
    with using_key_of(trigger.brand_id):
        if refusal := reachable.key_refusal(Purpose.CAMPAIGN, accounts.load()):
            found.append(Problem("", refusal))
    return found


def approval_text(trigger: Trigger, actor: User | None) -> str:
    """Why `actor` may not switch the trigger on without an approver; "" if they may."""
    draft = trigger.draft
    if draft is None or not approval.needs_another_user(draft, actor):
        return ""
    return _(
        "An approver has to switch it on: the budget of a day is above the approval limit, or there"
        " is none. The users who created the message or edited it last can't approve it."
    )


def switch_on(trigger_id: int, actor: User | None, version: str = "") -> None:
    """Send the message of the trigger for each event from now on, and for those that wait.

    `version`: that of the draft that the user saw. Raises Refused.
    """
    trigger = Trigger.objects.select_related("draft__sender").get(pk=trigger_id)
    found = problems(trigger)
    if found or trigger.draft is None:
        raise Refused(" ".join(str(problem.message) for problem in found))
    if refusal := approval_text(trigger, actor):
        raise Refused(refusal)
    with transaction.atomic():
        locked = _lock(trigger_id)
        lock_version(trigger.draft, version)
        columns = {"reason": "", "started_by": actor, "started_at": timezone.now()}
        if not _change(locked, TriggerState.OFF, TriggerState.ON, **columns):
            raise Refused(_("The trigger is not off."))
        audit.record(actor, locked, "switched on")
        enqueue(TAKE, trigger_id)


@transaction.atomic
def switch_off(trigger_id: int, actor: User | None, reason: str = "") -> None:
    """Queue no more messages; what is queued already is sent. Raises Refused if it is not on."""
    trigger = _lock(trigger_id)
    if not _change(trigger, TriggerState.ON, TriggerState.OFF, reason=reason):
        raise Refused(_("The trigger is not on."))
    audit.record(actor, trigger, "switched off", reason)


@transaction.atomic
def end(trigger_id: int, actor: User | None) -> None:
    """End a trigger for good: its event can get another one. Raises Refused if it ended."""
    trigger = _lock(trigger_id)
    if trigger.state == TriggerState.ENDED:
        raise _ended()
    Trigger.objects.filter(pk=trigger_id).update(state=TriggerState.ENDED, reason="", draft=None)
    skip_waiting(trigger_id, actor)
    audit.record(actor, trigger, "ended")


@transaction.atomic
def skip_waiting(trigger_id: int, actor: User | None) -> int:
    """Skip the events that wait; how many there were."""
    trigger = _lock(trigger_id)
    waiting = TriggerEvent.objects.filter(trigger=trigger, state=EventState.WAITING)
    number = waiting.update(state=EventState.SKIPPED, reason=BY_PERSON)
    if number:
        audit.record(actor, trigger, "skipped", str(number))
    return number


def _lock(trigger_id: int) -> Trigger:
    return Trigger.objects.select_for_update(of=("self",)).get(pk=trigger_id)


def _change(trigger: Trigger, source: TriggerState, to: TriggerState, **columns: object) -> bool:
    rows = Trigger.objects.filter(pk=trigger.pk, state=source)
    return bool(rows.update(state=to, **columns))


def _ended() -> Refused:
    return Refused(_("The trigger ended."))
