"""Every change of a campaign's state. Nothing else writes `Campaign.state`.

Each change is one conditional UPDATE (state_changes.py): of fifty clicks that arrive together, one
changes the state and the others raise Refused with a message for the user.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import approval, reachable, state_changes, test_limits
from campaigns.compose.launch.approval import ApprovalCheck
from campaigns.compose.launch.checks import problems
from campaigns.compose.launch.confirmation import audience_changed_message
from campaigns.compose.launch.follow_ups import columns_to_resume, pause_orphans, set_starts
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.launch.local_start import move_starts, set_local_start
from campaigns.compose.launch.pause_reasons import missed_reason, pause_reason
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.tracked_links import launch_columns
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.queue import enqueue
from campaigns.team import accounts, audit
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

# ViberDash waits for these times itself; with Timing.GATEWAY, BSG does.
STARTS_HERE = frozenset({Timing.AT, Timing.LOCAL, Timing.AFTER})
WAKE = "campaigns.dispatch.tasks.work"


class Refused(Exception):  # noqa: N818 - a refusal with its message, not a failure
    """What the user asked for is not allowed now; `str()` is the message for them."""


def wake() -> None:
    """Wake a worker. Only a hint: the work is in the tables, and the sweep finds it anyway."""
    enqueue(WAKE)


def _change_state(
    campaign_id: int, sources: frozenset[CampaignState], to: CampaignState, **changes: Any
) -> bool:
    changes = {"reason": "", "reason_detail": "", **changes}
    campaigns = Campaign.objects.filter(pk=campaign_id, state__in=sources)
    return state_changes.update(campaigns, to, **changes)


def refusal(campaign_id: int, verb: str) -> Refused:
    """The refusal of an action that the state does not allow; `verb` as in "launched"."""
    label = Campaign.objects.get(pk=campaign_id).get_state_display()
    return Refused(
        _("The campaign can't be %(verb)s: it is “%(state)s”.") % {"verb": verb, "state": label}
    )


def _launched_state(campaign: Campaign, now: datetime) -> CampaignState:
    """The state after a launch: scheduled if ViberDash has to wait for its time."""
    if campaign.timing == Timing.AFTER and campaign.scheduled_at is None:
        return S.SCHEDULED  # until the sweep finds its parent finished
    start = campaign.scheduled_at if campaign.timing in STARTS_HERE else None
    return S.SCHEDULED if start is not None and start > now else S.PREPARING


def _launch_columns(
    campaign: Campaign, launched_by: User | None, approved_people: int | None
) -> dict[str, Any]:
    """The columns that a launch sets besides the state. Raises Refused as `_test_columns` does."""
    return {
        **_test_columns(campaign, launched_by),
        "launched_at": timezone.now(),
        "launched_by": launched_by,
        "approved_people": approved_people,
        "account": reachable.account_to_send_with(campaign),
        "scheduled_at": campaign.scheduled_at,
    }


def _test_columns(campaign: Campaign, launcher: User | None) -> dict[str, Any]:
    """The contacts that a test goes to, whoever is added to its list later. Raises Refused for too
    many.
    """
    if campaign.purpose != Purpose.TEST:
        return {}
    contacts = test_limits.contacts_of(campaign)
    if refusal := test_limits.refusal(campaign, contacts, launcher):
        raise Refused(refusal)
    return {"test_contacts": contacts}


@reachable.with_key_of_brand
def launch(
    campaign_id: int, actor: User | None, confirmed: int | None = None, fingerprint: str = "",
    version: datetime | None = None,
) -> None:  # fmt: skip
    """Launch a draft: send it now, schedule it, or request approval if it needs one.

    `confirmed` is the number of recipients that the user typed; None where nothing was confirmed.
    `fingerprint` is that of the audience that the user saw, `version` the draft's `updated_at`.
    Raises Refused if the campaign is not that draft, has problems, or has other recipients by now.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.state not in CAN_LAUNCH or version not in (None, campaign.updated_at):
        raise _launched_or_edited(campaign_id)
    recipients, check = check_ready(campaign, confirmed, fingerprint, actor)
    with transaction.atomic():
        check = approval.check_again(check, campaign, actor)
        changes = _launch_changes(campaign, actor, check)
        # Launch exactly the version that was checked: any edit since then changed `updated_at`.
        draft = Campaign.objects.filter(
            pk=campaign_id, state=S.DRAFT, updated_at=campaign.updated_at
        )
        if not state_changes.update(draft, approval_note="", **changes):
            raise _launched_or_edited(campaign_id)
        if check.needed:
            audit.record(actor, campaign, "asked for approval", check.summary)
            enqueue(approval.NOTIFY_APPROVERS, campaign_id)
        else:
            state_changes.record(actor, campaign, "launched", str(recipients))
            approval.count_unapproved(campaign, actor, check)
            wake()


def _launch_changes(campaign: Campaign, actor: User | None, check: ApprovalCheck) -> dict[str, Any]:
    """The columns that change when `actor` launches `campaign`, or requests approval for it."""
    columns = launch_columns(campaign)
    columns["budget_currency"] = budget_currency(campaign, campaign.budget)
    if not check.needed:
        columns |= _launch_columns(campaign, actor, check.recipients or None)
        return {"state": _launched_state(campaign, timezone.now()), **columns}
    columns |= approval.columns_requested(campaign, check, actor) | _test_columns(campaign, actor)
    return {"state": S.AWAITING_APPROVAL, "scheduled_at": campaign.scheduled_at, **columns}


def check_ready(
    campaign: Campaign,
    confirmed: int | None = None,
    fingerprint: str = "",
    launcher: User | None = None,
) -> tuple[int, ApprovalCheck]:
    """The number of recipients, and whether approval is needed. Sets the start of a campaign at
    local time. Raises Refused as `launch` does.
    """
    if refusal := reachable.start_refusal(campaign, accounts.load()):
        raise Refused(refusal)
    measured = measure_now(Audience.of(campaign), compile_message(campaign))
    set_local_start(campaign, measured.audience, measured.countries)
    if problem_list := problems(campaign, measured):
        raise Refused(" ".join(str(problem.message) for problem in problem_list))
    recipients = measured.recipients
    if recipients == 0:
        raise Refused(_("The audience is empty."))
    if confirmed is not None and confirmed != recipients:
        raise Refused(audience_changed_message(recipients, confirmed))
    if fingerprint and fingerprint != measured.fingerprint:
        raise Refused(_("The audience changed after you opened this page. Review it again."))
    return recipients, approval.check_approval(campaign, measured, launcher)


def _launched_or_edited(campaign_id: int) -> Refused:
    if Campaign.objects.filter(pk=campaign_id, state=S.DRAFT).exists():
        return Refused(_("The draft was changed a moment ago. Review it again before you launch."))
    return refusal(campaign_id, _("launched"))


@reachable.with_key_of_brand
def approve(campaign_id: int, actor: User | None, fingerprint: str) -> None:
    """Approve and launch a campaign. `fingerprint` is the one of the review page that the approver
    saw.

    Raises Refused if `actor` may not approve it, and if the campaign is not what approval was
    requested for: then it becomes a draft, and approval has to be requested again.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.state not in CAN_APPROVE:
        raise refusal(campaign_id, _("approved"))
    _require_approver(campaign, actor)
    recipients, check = check_ready(campaign)
    if approval.is_void(campaign, check):
        _to_draft(campaign, actor, "approval void", check.summary)
        raise Refused(approval.void_text(campaign))
    if fingerprint != campaign.approval_fingerprint:
        raise Refused(_("The campaign changed after you opened this page. Review it again."))
    now = timezone.now()
    with transaction.atomic():
        waiting = Campaign.objects.filter(
            pk=campaign_id, state__in=CAN_APPROVE, approval_fingerprint=fingerprint
        )
        if not state_changes.update(
            waiting,
            _launched_state(campaign, now),
            approved_by=actor,
            **_launch_columns(campaign, campaign.approval_asked_by, recipients),
        ):
            raise refusal(campaign_id, _("approved"))
        state_changes.record(actor, campaign, "approved", check.summary)
        approval.tell_requester(campaign, approved=True)
        wake()


def return_to_draft(campaign_id: int, actor: User | None, note: str = "") -> None:
    """Make a campaign that waits for approval, or for its time, a draft again: an approver requests
    changes with a note, or a user takes it back to change it. An approval is then void.

    Raises Refused if it waits for neither, and if an approver writes no note.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.state in state_changes.UNPREPARED:
        _take_back(campaign, actor, note.strip())
        return
    if campaign.state not in CAN_APPROVE:
        raise refusal(campaign_id, _("returned to draft"))
    if approval.may_approve(campaign, actor) and not note.strip():
        raise Refused(_("Write what has to be changed."))
    _to_draft(campaign, actor, "returned", note.strip())


def _to_draft(campaign: Campaign, actor: User | None, action: str, note: str) -> None:
    waiting = Campaign.objects.filter(
        pk=campaign.pk, state__in=CAN_APPROVE, approval_fingerprint=campaign.approval_fingerprint
    )
    now = timezone.now()
    # A new `updated_at`: review pages opened before can't launch it any more.
    columns = {**state_changes.DRAFT_COLUMNS, "approval_note": note[:500], "updated_at": now}
    # a test is no draft: another one is sent instead
    is_test = campaign.purpose == Purpose.TEST
    columns |= {"finished_at": now} if is_test else {}
    with transaction.atomic():
        if not state_changes.update(waiting, S.CANCELLED if is_test else S.DRAFT, **columns):
            raise refusal(campaign.pk, _("returned to draft"))
        audit.record(actor, campaign, "cancelled" if is_test else action, note)
        campaign.approval_note = note[:500]
        if actor is None or actor.pk != campaign.approval_asked_by_id:
            approval.tell_requester(campaign, approved=False)


@transaction.atomic
def _take_back(campaign: Campaign, actor: User | None, note: str) -> None:
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if not state_changes.is_unprepared(locked):
        raise refusal(campaign.pk, _("returned to draft"))
    columns = {**state_changes.DRAFT_COLUMNS, "updated_at": timezone.now()}
    if locked.timing == Timing.AFTER:
        columns["scheduled_at"] = None
    _change_state(
        campaign.pk, state_changes.UNPREPARED, S.DRAFT, **columns, approval_note=note[:500]
    )
    approval.forget_unapproved(campaign)
    state_changes.record(actor, campaign, "returned", note)


def _require_approver(campaign: Campaign, actor: User | None) -> None:
    if not approval.may_approve(campaign, actor):
        raise Refused(approval.own_text())


def pause(
    campaign_id: int, actor: User | None, reason: str = "by_person", detail: str = ""
) -> None:
    """Stop sending; requests under way still finish. `reason` is a key of pause_reasons. Raises
    Refused.
    """
    with transaction.atomic():
        if not _change_state(
            campaign_id, CAN_PAUSE, S.PAUSED, reason=reason, reason_detail=detail[:300]
        ):
            raise refusal(campaign_id, _("paused"))
        sentence = pause_reason(reason).sentence
        state_changes.record(
            actor, Campaign(pk=campaign_id), "paused", f"{sentence} {detail}".strip()
        )


def pause_if_running(campaign_id: int, reason: str, detail: str = "") -> None:
    """Pause without a user; nothing happens if the campaign is already paused or over."""
    try:
        pause(campaign_id, None, reason, detail)
    except Refused:
        return


@reachable.with_key_of_brand
def resume(campaign_id: int, actor: User | None) -> None:
    """Continue a paused campaign where it stopped: scheduled, preparing or sending. Raises Refused.

    If it was paused because approval is missing, resuming approves it as it is now.
    """
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.state in CAN_RESUME:
        _refuse_other_account(campaign)
    changes: dict[str, Any] = columns_to_resume(campaign)
    state = S.SENDING if campaign.frozen_at else _launched_state(campaign, timezone.now())
    is_approval = campaign.reason == "approval"
    if campaign.state in CAN_RESUME and is_approval:
        _require_approver(campaign, actor)
        changes |= approval.columns_now(campaign, actor)
    elif campaign.state in CAN_RESUME and not campaign.frozen_at:
        _refuse_without_approval(campaign)
    with transaction.atomic():
        if not _change_state(campaign_id, CAN_RESUME, state, **changes):
            raise refusal(campaign_id, _("resumed"))
        state_changes.record(actor, campaign, "approved" if is_approval else "resumed")
        wake()


def _refuse_other_account(campaign: Campaign) -> None:
    known = accounts.load()
    if why := reachable.start_refusal(campaign, known) or reachable.waiting_text(campaign, known):
        raise Refused(why)


def resume_by_itself(campaign_id: int, reasons: Collection[str]) -> bool:
    """Continue to send a campaign that is paused for one of `reasons`, without a user. Returns
    whether it was; a campaign that a user paused has another reason.
    """
    paused = Campaign.objects.filter(pk=campaign_id, reason__in=reasons, frozen_at__isnull=False)
    with transaction.atomic():
        paused = paused.filter(state=S.PAUSED)
        if not state_changes.update(paused, S.SENDING, reason="", reason_detail=""):
            return False
        state_changes.record(None, Campaign(pk=campaign_id), "resumed by itself")
        wake()
    return True


def _refuse_without_approval(campaign: Campaign) -> None:
    if check := approval.missing_approval(campaign):
        _change_state(
            campaign.pk, CAN_RESUME, S.PAUSED, reason="approval", reason_detail=check.summary
        )
        raise Refused(str(pause_reason("approval").sentence))


def cancel(campaign_id: int, actor: User | None, detail: str = "") -> None:
    """End a campaign: nobody else is sent to. What the gateway has already stays sent. `detail`:
    why, for the audit trail. Raises Refused.
    """
    with transaction.atomic():
        if not _change_state(campaign_id, CAN_CANCEL, S.CANCELLED, finished_at=timezone.now()):
            raise refusal(campaign_id, _("cancelled"))
        state_changes.record(actor, Campaign(pk=campaign_id), "cancelled", detail)
        wake()


def any_under_way() -> bool:
    """Whether any campaign sends, or will start, without a user doing anything."""
    return Campaign.objects.filter(state__in=(S.SCHEDULED, S.PREPARING, S.SENDING)).exists()


def start_due(now: datetime) -> int:
    """Start the campaigns that are due at `now`, and return how many started.

    Those that are late by more than MISSED_SCHEDULE_MINUTES, and those that need an approval by
    now, are paused instead.
    """
    move_starts(now)
    pause_orphans(pause_if_running)
    set_starts(now)
    late = now - timedelta(minutes=settings.MISSED_SCHEDULE_MINUTES)
    due = Campaign.objects.filter(reachable.sendable(), state=S.SCHEDULED, scheduled_at__lte=now)
    for campaign in due.filter(scheduled_at__lt=late):
        pause_if_running(campaign.pk, missed_reason(campaign))
    # the audience of a follow-up is checked when it is known (complete_freeze)
    for campaign in due.exclude(timing=Timing.AFTER).select_related("sender"):
        with acting_for(campaign.brand_id):
            if check := approval.missing_approval(campaign):
                pause_if_running(campaign.pk, "approval", check.summary)
    in_time = due.filter(scheduled_at__gte=late).values_list("pk", flat=True)
    return sum(_advance(pk, frozenset({S.SCHEDULED}), S.PREPARING, "started") for pk in in_time)


@transaction.atomic
def _advance(
    campaign_id: int, sources: frozenset[CampaignState], to: S, action: str, **changes: Any
) -> bool:
    """Change the state without a user, and record it as `action`, if it is one of `sources`."""
    if changed := _change_state(campaign_id, sources, to, **changes):
        state_changes.record(
            None, Campaign(pk=campaign_id), action, changes.get("reason_detail", "")
        )
    return changed


def complete_freeze(campaign_id: int, audience: int) -> bool:
    """Start sending to the frozen `audience`, unless it is empty, or has grown or changed after it
    was approved: then pause. Return whether the campaign sends now.
    """
    if audience == 0:
        pause_if_running(campaign_id, "nobody")
        return False
    campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
    if campaign.purpose == Purpose.TEST and audience > test_limits.PHONES_MAX:
        cancel(campaign_id, None, test_limits.too_many_text())
        return False
    frozen: dict[str, Any] = {"frozen_at": timezone.now(), "audience": audience}
    if reason := approval.reason_to_pause(campaign, audience):
        _advance(campaign_id, frozenset({S.PREPARING}), S.PAUSED, "paused", **reason, **frozen)
        return False
    return _advance(campaign_id, frozenset({S.PREPARING}), S.SENDING, "sending", **frozen)


def start_run(run: Campaign, state: S) -> None:
    """Start a new run: of a trigger SENDING, as it has no audience to freeze; of a series
    PREPARING. What its launch would check was checked with its trigger or series.
    """
    state_changes.update(Campaign.objects.filter(pk=run.pk, state=S.DRAFT), state)
    run.state = state


@transaction.atomic
def finish(campaign_id: int, audience: int | None = None) -> bool:
    """Finish a campaign whose recipients are all final. Return whether it was still under way.
    `audience`: their number, as events may have added some to a run since they were counted.
    """
    campaigns = Campaign.objects.filter(pk=campaign_id, state__in=(S.SENDING, S.PAUSED))
    if audience is not None:
        campaigns = campaigns.filter(audience=audience)
    columns = {"reason": "", "reason_detail": "", "finished_at": timezone.now()}
    if changed := state_changes.update(campaigns, S.FINISHED, **columns):
        state_changes.record(None, Campaign(pk=campaign_id), "finished")
    return changed


Move = Callable[[int, User | None], None]
# by the verb of `manage.py campaign`
MOVES: dict[str, Move] = {
    "launch": launch, "pause": pause, "resume": resume, "cancel": cancel, "draft": return_to_draft,
}  # fmt: skip
