"""Where a campaign stands: every legal move, and the words of each refusal. Nothing else writes
`Campaign.state`.

A move is one conditional UPDATE, so of fifty clicks that arrive together one moves the campaign and
the others are told so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import approval
from campaigns.compose.launch.approval import ApprovalCheck
from campaigns.compose.launch.checks import problems
from campaigns.compose.launch.confirmation import audience_changed_message
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.gateway.errors import error_meaning
from campaigns.shared.money import exact
from campaigns.shared.queue import enqueue
from campaigns.team import audit
from campaigns.team.models import User

S = CampaignState
CAN_EDIT = frozenset({S.DRAFT})
CAN_LAUNCH = frozenset({S.DRAFT})
CAN_PAUSE = frozenset({S.SCHEDULED, S.PREPARING, S.SENDING})
CAN_RESUME = frozenset({S.PAUSED})
CAN_APPROVE = frozenset({S.AWAITING_APPROVAL})
CAN_CANCEL = frozenset({S.AWAITING_APPROVAL, S.SCHEDULED, S.PREPARING, S.SENDING, S.PAUSED})
ACTIVE = frozenset({S.SCHEDULED, S.PREPARING, S.SENDING, S.PAUSED})
FINAL = frozenset({S.FINISHED, S.CANCELLED})

OURS = frozenset({Timing.AT, Timing.LOCAL})  # times that are waited for here
WAKE = "campaigns.dispatch.tasks.work"


class Refused(Exception):  # noqa: N818 - a refusal with its words, not a failure
    """A move that is not allowed now; `str()` of it are the words for the person who asked."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a campaign is paused, for a marketer: what happened, and what to do."""

    sentence: str | Promise
    next_step: str | Promise


_L = gettext_lazy
_REASONS: dict[str, Reason] = {
    "by_person": Reason(
        _L("Paused by hand."), _L("Press Resume to send to the people who are still waiting.")
    ),
    "approval": Reason(
        _L(
            "It has become larger or dearer than what may go out without a second person's"
            " approval."
        ),
        _L("Somebody else who may approve presses Resume, or cancel it."),
    ),
    "missed": Reason(
        _L("The server was down at the scheduled time."), _L("Press Resume to send now, or cancel.")
    ),
    "nobody": Reason(
        _L("Nobody is left in the audience."), _L("Everybody is on the stop list or was left out.")
    ),
    "budget": Reason(
        _L("The next messages could exceed the budget."),
        _L("Raise the budget, and sending goes on."),
    ),
    "month_budget": Reason(
        _L("The next messages could exceed this month's budget."),
        _L("An administrator can raise it in Settings; then, or next month, press Resume."),
    ),
    "user_budget": Reason(
        _L("The next messages could exceed this month's budget of the person who launched it."),
        _L("An administrator can raise it in Settings; then, or next month, press Resume."),
    ),
    "price_unknown": Reason(
        _L("There is a budget, but the price of some recipients is not known."),
        _L("Refresh the price list or take the budget off, then press Resume."),
    ),
    "gateway_trouble": Reason(
        _L("BSG has answered with errors of its own for a long time."),
        _L("Nothing is lost. Press Resume to try again."),
    ),
}


def reason_of(code: int) -> str:
    """The key of the reason that the gateway's error `code` is."""
    return f"error_{code}"


def reason(key: str) -> Reason:
    """The words of a reason: one of ours, or an error of the gateway's ("error_8")."""
    if key.startswith("error_"):
        known = error_meaning(int(key.removeprefix("error_")))
        return Reason(known.sentence, known.next_step)
    return _REASONS[key]


def reason_text(campaign: Campaign) -> str:
    """Why `campaign` is paused and what to do, as one text; empty where it is not paused."""
    if campaign.state != S.PAUSED or not campaign.reason:
        return ""
    words = reason(campaign.reason)
    return " ".join(
        str(part) for part in (words.sentence, campaign.reason_detail, words.next_step) if part
    )


def _wake() -> None:
    """Wake a worker. A hint only: what is to be done stands in the tables, and the sweep finds it
    without this.
    """
    enqueue(WAKE)


def _move(
    campaign_id: int, sources: frozenset[CampaignState], to: CampaignState, **changes: Any
) -> bool:
    changes = {"reason": "", "reason_detail": "", **changes}
    return bool(
        Campaign.objects.filter(pk=campaign_id, state__in=sources).update(state=to, **changes)
    )


def _refuse(campaign_id: int, verb: str) -> Refused:
    label = Campaign.objects.get(pk=campaign_id).get_state_display()
    return Refused(
        _("The campaign can't be %(verb)s: it is “%(state)s”.") % {"verb": verb, "state": label}
    )


def _starts_later(campaign: Campaign, now: datetime) -> bool:
    return (
        campaign.timing in OURS
        and campaign.scheduled_at is not None
        and campaign.scheduled_at > now
    )


def launch(campaign_id: int, actor: User | None, people: int | None = None) -> None:
    """Send a draft on its way: at once, at its time, or to somebody who has to approve it first.

    `people` is how many recipients the person confirmed; None where nobody was asked. Raises
    Refused when the campaign is no draft, when something in it forbids sending, or when the
    audience is not of that size any more.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.state not in CAN_LAUNCH:
        raise _refuse(campaign_id, _("launched"))
    left, gate = _fit_to_leave(campaign, people)
    now = timezone.now()
    changes: dict[str, Any]
    if gate.needed:
        changes = {
            "approval_asked_by": actor,
            "approval_asked_at": now,
            "approval_fingerprint": gate.fingerprint,
        }
        to, done = S.AWAITING_APPROVAL, ("asked for approval", gate.words)
    else:
        changes = {"launched_at": now, "launched_by": actor, "approved_people": gate.people or None}
        to, done = (
            S.SCHEDULED if _starts_later(campaign, now) else S.PREPARING,
            ("launched", str(left)),
        )
    with transaction.atomic():
        # as it was checked: an edit in between moves `updated_at`
        draft = Campaign.objects.filter(
            pk=campaign_id, state=S.DRAFT, updated_at=campaign.updated_at
        )
        if not draft.update(state=to, approval_note="", **changes):
            raise _launched_or_edited(campaign_id)
        audit.record(actor, campaign, *done)
        if gate.needed:
            enqueue(approval.NOTIFY_APPROVERS, campaign_id)
        else:
            _wake()


def _fit_to_leave(campaign: Campaign, people: int | None = None) -> tuple[int, ApprovalCheck]:
    """How many people are left of the audience, and whether somebody has to approve. Refuses as
    `launch` does.
    """
    measured = MessageLengths(Audience.of(campaign), compile_message(campaign))
    if found := problems(campaign, measured):
        raise Refused(" ".join(str(problem.message) for problem in found))
    left = measured.audience.funnel().recipients
    if left == 0:
        raise Refused(_("Nobody is left in the audience."))
    if people is not None and people != left:
        raise Refused(audience_changed_message(left, people))
    return left, approval.check_approval(campaign, measured)


def _launched_or_edited(campaign_id: int) -> Refused:
    if Campaign.objects.filter(pk=campaign_id, state=S.DRAFT).exists():
        return Refused(
            _("Somebody changed the draft just now. Look at it again before you launch.")
        )
    return _refuse(campaign_id, _("launched"))


def approve(campaign_id: int, actor: User | None, fingerprint: str) -> None:
    """Let a campaign go that waits for a second person. `fingerprint` is that of the review this
    person looked at.

    Raises Refused where they may not approve it, and where anything in it is not as it was asked
    for: then it is a draft again, and has to be asked for anew.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.state not in CAN_APPROVE:
        raise _refuse(campaign_id, _("approved"))
    _need_approver(campaign, actor)
    left, gate = _fit_to_leave(campaign)
    if gate.fingerprint != campaign.approval_fingerprint and gate is not approval.NOT_NEEDED:
        _to_draft(campaign, actor, "approval void", gate.words)
        raise Refused(
            _("Its audience or its cost changed since it was asked for. It is a draft again.")
        )
    if fingerprint != campaign.approval_fingerprint:
        raise Refused(_("It is not what you looked at any more. Look at it again."))
    now = timezone.now()
    to = S.SCHEDULED if _starts_later(campaign, now) else S.PREPARING
    with transaction.atomic():
        waiting = Campaign.objects.filter(
            pk=campaign_id, state__in=CAN_APPROVE, approval_fingerprint=fingerprint
        )
        if not waiting.update(
            state=to,
            launched_at=now,
            launched_by=campaign.approval_asked_by,
            approved_by=actor,
            approved_people=left,
        ):
            raise _refuse(campaign_id, _("approved"))
        audit.record(actor, campaign, "approved", gate.words)
        _answer(campaign, approved=True)
        _wake()


def send_back(campaign_id: int, actor: User | None, note: str) -> None:
    """Return what waits for approval to its draft, with a note that says why; who asked for it may
    take it back.

    Raises Refused where it does not wait, and where an approver gives no reason.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.state not in CAN_APPROVE:
        raise _refuse(campaign_id, _("returned"))
    if approval.may_approve(campaign, actor) and not note.strip():
        raise Refused(_("Say why, so that it can be mended."))
    _to_draft(campaign, actor, "returned", note.strip())


def _to_draft(campaign: Campaign, actor: User | None, action: str, note: str) -> None:
    waiting = Campaign.objects.filter(
        pk=campaign.pk, state__in=CAN_APPROVE, approval_fingerprint=campaign.approval_fingerprint
    )
    cleared = {"approval_asked_by": None, "approval_asked_at": None, "approval_fingerprint": ""}
    with transaction.atomic():
        # `updated_at` moves, so that no page opened before can launch it
        if not waiting.update(
            state=S.DRAFT, approval_note=note[:500], updated_at=timezone.now(), **cleared
        ):
            raise _refuse(campaign.pk, _("returned"))
        audit.record(actor, campaign, action, note)
        campaign.approval_note = note[:500]
        if actor is None or actor.pk != campaign.approval_asked_by_id:
            _answer(campaign, approved=False)


def _answer(campaign: Campaign, approved: bool) -> None:
    if campaign.approval_asked_by_id:
        enqueue(
            approval.NOTIFY_REQUESTER, campaign.pk, campaign.approval_asked_by_id, int(approved)
        )


def _need_approver(campaign: Campaign, actor: User | None) -> None:
    if not approval.may_approve(campaign, actor):
        raise Refused(_("Somebody else who may approve has to: nobody approves their own."))


def _outgrown(campaign: Campaign) -> ApprovalCheck | None:
    """What it has become, where a second person would have to approve that and did not."""
    gate = approval.check_approval(campaign)
    return (
        gate
        if gate.needed
        and (campaign.approved_by_id is None or gate.fingerprint != campaign.approval_fingerprint)
        else None
    )


def pause(campaign_id: int, actor: User | None, why: str = "by_person", detail: str = "") -> None:
    """Stop sending, apart from requests in flight. `why` is the key of a reason. Raises Refused."""
    with transaction.atomic():
        if not _move(campaign_id, CAN_PAUSE, S.PAUSED, reason=why, reason_detail=detail[:300]):
            raise _refuse(campaign_id, _("paused"))
        audit.record(
            actor, Campaign(pk=campaign_id), "paused", f"{reason(why).sentence} {detail}".strip()
        )


def pause_if_running(campaign_id: int, why: str, detail: str = "") -> None:
    """Pause for a reason of the gateway's; nothing where somebody paused or cancelled it
    already.
    """
    try:
        pause(campaign_id, None, why, detail)
    except Refused:
        return


def resume(campaign_id: int, actor: User | None) -> None:
    """Go on where it was paused: with the schedule, the freeze or the sending. Raises Refused.

    Where it was paused for want of approval, resuming is approving it as it is now.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    to = (
        S.SENDING
        if campaign.frozen_at
        else S.SCHEDULED
        if _starts_later(campaign, timezone.now())
        else S.PREPARING
    )
    changes: dict[str, Any] = {}
    if campaign.state in CAN_RESUME and campaign.reason == "approval":
        _need_approver(campaign, actor)
        gate = approval.check_approval(campaign)
        people = campaign.audience or gate.people or None
        changes = {
            "approved_by": actor,
            "approval_fingerprint": gate.fingerprint,
            "approved_people": people,
        }
    elif campaign.state in CAN_RESUME and not campaign.frozen_at and (grown := _outgrown(campaign)):
        _move(campaign_id, CAN_RESUME, S.PAUSED, reason="approval", reason_detail=grown.words)
        raise Refused(str(reason("approval").sentence))
    with transaction.atomic():
        if not _move(campaign_id, CAN_RESUME, to, **changes):
            raise _refuse(campaign_id, _("resumed"))
        audit.record(actor, campaign, "approved" if changes else "resumed")
        _wake()


def cancel(campaign_id: int, actor: User | None) -> None:
    """Send to nobody else; what is with the gateway stays. Raises Refused."""
    with transaction.atomic():
        if not _move(campaign_id, CAN_CANCEL, S.CANCELLED, finished_at=timezone.now()):
            raise _refuse(campaign_id, _("cancelled"))
        audit.record(actor, Campaign(pk=campaign_id), "cancelled")
        _wake()


def change_budget(campaign_id: int, actor: User | None, budget: Decimal | None) -> None:
    """Set what a campaign may cost at most; None: no limit. Raises Refused when it is over."""
    campaigns = Campaign.objects.filter(pk=campaign_id).exclude(state__in=FINAL)
    with transaction.atomic():
        if not campaigns.update(budget=budget, updated_at=timezone.now()):
            raise _refuse(campaign_id, _("given another budget"))
        audit.record(
            actor, Campaign(pk=campaign_id), "budget", "" if budget is None else exact(budget)
        )


def can_change_hours(campaign: Campaign) -> bool:
    """Whether the sending hours of `campaign` may be changed outside of the composer."""
    return campaign.state in ACTIVE and campaign.timing != Timing.GATEWAY


def change_hours(campaign_id: int, actor: User | None, hours: SendingHours | None) -> None:
    """Set when it may be sent, by the recipient's clock; None: at any hour. From the senders' next
    look on it is so.

    Raises Refused when it is a draft or over, or was handed to the gateway, which waits for nobody.
    """
    campaigns = Campaign.objects.filter(pk=campaign_id, state__in=ACTIVE).exclude(
        timing=Timing.GATEWAY
    )
    start, end = (hours.start, hours.end) if hours else (None, None)
    with transaction.atomic():
        if not campaigns.update(sends_from=start, sends_until=end, updated_at=timezone.now()):
            raise _refuse(campaign_id, _("given other sending hours"))
        audit.record(actor, Campaign(pk=campaign_id), "hours", str(hours or ""))
        _wake()


def under_way() -> bool:
    """Whether any campaign would go on by itself, now or at its time."""
    return Campaign.objects.filter(state__in=(S.SCHEDULED, S.PREPARING, S.SENDING)).exists()


def start_due(now: datetime) -> int:
    """Start what is scheduled for `now` or earlier; what was missed by much waits for a person. How
    many started.
    """
    late = now - timedelta(minutes=settings.MISSED_SCHEDULE_MINUTES)
    due = Campaign.objects.filter(state=S.SCHEDULED, scheduled_at__lte=now)
    for campaign_id in due.filter(scheduled_at__lt=late).values_list("pk", flat=True):
        pause_if_running(campaign_id, "missed")
    for campaign in due.select_related("sender"):
        if gate := _outgrown(campaign):
            pause_if_running(campaign.pk, "approval", gate.words)
    return due.filter(scheduled_at__gte=late).update(state=S.PREPARING)


def frozen(campaign_id: int, audience: int) -> bool:
    """The audience of a campaign is complete: it may send, unless more came meanwhile than was
    approved.

    Whether it sends now.
    """
    if audience == 0:
        pause_if_running(campaign_id, "nobody")
        return False
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    complete: dict[str, Any] = {"frozen_at": timezone.now(), "audience": audience}
    passed = campaign.approved_people
    if passed is not None and audience > passed and (gate := _outgrown(campaign)):
        grown = {"reason": "approval", "reason_detail": gate.words}
        if _move(campaign_id, frozenset({S.PREPARING}), S.PAUSED, **grown, **complete):
            audit.record(None, campaign, "paused", gate.words)
        return False
    return _move(campaign_id, frozenset({S.PREPARING}), S.SENDING, **complete)


def finish(campaign_id: int) -> bool:
    """Everybody is in a final state. Whether it was still sending."""
    if not _move(campaign_id, frozenset({S.SENDING}), S.FINISHED, finished_at=timezone.now()):
        return False
    audit.record(None, Campaign(pk=campaign_id), "finished")
    return True


Move = Callable[[int, User | None], None]
MOVES: dict[str, Move] = {
    "launch": launch,
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
}  # by the verb of a command
