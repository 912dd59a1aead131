"""What pages may say of a campaign: the only place that decides it.

A campaign's state says what was decided about it, and not whether anything happens. So what keeps
it from being sent is looked at first, in the order in which it has to go away. Nothing is said that
is not known: without an answer of the gateway no page says that messages are being sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.launch import pause_reasons
from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.launch.reachable import waiting_text as waits_for_account
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.gateway.errors import error_meaning
from campaigns.reports.shared.delivery_counts import DeliveryCounts
from campaigns.reports.shared.labels import waiting_text
from campaigns.reports.statuses.conditions import Conditions, load_conditions
from campaigns.reports.statuses.facts import Facts, load_facts
from campaigns.team import accounts
from campaigns.templatetags.viberdash import exact_time, moment, number, who

S = CampaignState
DEPENDENT = (S.SCHEDULED, S.PREPARING, S.SENDING, S.PAUSED)  # on what is known of everything else
Text = str | Promise


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`key` names it: the campaign's state, or what keeps it from being sent. `sentence` may be
    markup; `next_step` is what a user can do, "" for nothing. `is_stopped`: nothing happens until
    something changes.
    """

    key: str
    sentence: Text
    next_step: Text = ""
    is_stopped: bool = False

    @property
    def colour(self) -> str:
        """Of the sentence, as of a badge: "" where the badge of the state says it all."""
        if not self.is_stopped:
            return ""
        return "red" if self.key in ("key_refused", "no_worker") else "yellow"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a campaign from being sent; `forbids_to_resume`: and from being resumed."""

    key: str
    sentence: Text
    next_step: Text = ""
    forbids_to_resume: bool = False


def load_statuses(rows: Iterable[tuple[Campaign, DeliveryCounts]]) -> list[CampaignStatus]:
    """Return the status of each row. The conditions are read once, and only if any needs them."""
    facts = load_facts(rows)
    needed = any(each.campaign.state in DEPENDENT for each in facts)
    conditions = load_conditions() if needed else None
    return [campaign_status(each, conditions) for each in facts]


def campaign_status(facts: Facts, conditions: Conditions | None) -> CampaignStatus:
    """Decide what may be said. `conditions` may be None for a campaign that depends on none."""
    state = S(facts.campaign.state)
    if conditions and state in DEPENDENT:
        return _DEPENDENT[state](facts, conditions)
    # why the statuses of one that has ended are not asked any more
    ended = state in (S.FINISHED, S.CANCELLED)
    note = waits_for_account(facts.campaign, accounts.cached()) if ended else ""
    return CampaignStatus(state.value, _FIXED[state](facts) if state in _FIXED else "", note)


# What keeps a campaign from being sent


def _obstacle(campaign: Campaign, conditions: Conditions) -> Obstacle | None:
    """What nobody but a user or an administrator can end."""
    if conditions.in_safe_mode:
        step = _("Sending is resumed with the button on top of the page.")
        return Obstacle("safe_mode", _("The database was restored: nothing is sent."), step)
    if not campaign.is_rehearsal:
        if conditions.is_held:
            step = _("It continues when sending is released.")
            return Obstacle("held", _("Sending is held."), step, forbids_to_resume=True)
        if text := waits_for_account(campaign, conditions.known):
            return Obstacle("other_account", text, forbids_to_resume=True)
        if conditions.key_refusal:
            return Obstacle("key_refused", conditions.key_refusal, forbids_to_resume=True)
        if conditions.gateway.refusal:
            meaning = error_meaning(conditions.gateway.refusal)
            return Obstacle("key_refused", meaning.sentence, meaning.next_step)
    if not conditions.works:
        step = _("Ask an administrator to check that the worker runs.")
        return Obstacle("no_worker", _("No worker runs, so nothing is sent."), step)
    return None


def _silence(facts: Facts, conditions: Conditions) -> Obstacle | None:
    """The gateway does not answer: it ends by itself."""
    if facts.campaign.is_rehearsal:
        return None
    gateway = conditions.gateway
    step = _("Sending continues by itself when it answers. No message is lost.")
    if gateway.answers is False:
        sentence: str = _("The gateway does not answer.")
        if gateway.last_answer:
            last = format_html(_("It last answered {when}."), when=moment(gateway.last_answer))
            sentence = format_html("{} {}", sentence, last)
        if seconds := _seconds_until_next_try(conditions):
            text = ngettext("Next try in %(n)s second.", "Next try in %(n)s seconds.", seconds)
            sentence = format_html("{} {}", sentence, text % {"n": number(seconds)})
        return Obstacle("silent", sentence, step)
    if facts.unanswered_since:
        text = _("The gateway has not answered a request that left {when}.")
        sentence = format_html(text, when=moment(facts.unanswered_since))
        return Obstacle("unanswered", sentence, step)
    return None


def _seconds_until_next_try(conditions: Conditions) -> int:
    next_try = conditions.gateway.next_try
    return round(max((next_try - conditions.now).total_seconds(), 0)) if next_try else 0


# States in which nothing but the campaign counts


def _draft_text(facts: Facts) -> str:
    text, note = _("Nothing is sent until you launch it."), facts.campaign.approval_note
    if not note:
        return text
    return format_html("{} <strong>{}</strong> {}", text, _("Changes requested:"), note)


def _approval_text(facts: Facts) -> str:
    campaign = facts.campaign
    if not campaign.approval_asked_by:
        return _("Waiting for approval by a second person.")
    return format_html(
        _("{name} requested approval {when}. A second person has to approve."),
        name=who(campaign.approval_asked_by),
        when=moment(campaign.approval_asked_at),
    )


def _finished_text(facts: Facts) -> str:
    awaiting = facts.counts.awaiting_status
    if not awaiting:
        return _("Sending has ended, and the status of every message is known.")
    text = ngettext(
        "Sending has ended. %(number)s message is awaiting its status.",
        "Sending has ended. %(number)s messages are awaiting their status.",
        awaiting,
    )
    return text % {"number": number(awaiting)}


def _cancelled_text(facts: Facts) -> str:
    counts = facts.counts
    if not counts.accepted:
        return _("Nothing was sent before the cancellation, and nothing will be.")
    text = ngettext(
        "Nothing more is sent. Before the cancellation %(number)s recipient of %(audience)s was"
        " sent to; this message stays sent.",
        "Nothing more is sent. Before the cancellation %(number)s recipients of %(audience)s were"
        " sent to; these messages stay sent.",
        counts.accepted,
    )
    return text % {"number": number(counts.accepted), "audience": number(counts.audience)}


_FIXED: dict[CampaignState, Callable[[Facts], str]] = {
    S.DRAFT: _draft_text,
    S.AWAITING_APPROVAL: _approval_text,
    S.FINISHED: _finished_text,
    S.CANCELLED: _cancelled_text,
}


# States that depend on what else is known


def _scheduled(facts: Facts, conditions: Conditions) -> CampaignStatus:
    campaign, obstacle = facts.campaign, _obstacle(facts.campaign, conditions)
    starts = _start_text(campaign, conditions)
    if obstacle is None:
        return CampaignStatus("scheduled", starts)
    sentence = format_html("{} {}", starts, obstacle.sentence)
    step = obstacle.next_step
    return CampaignStatus(obstacle.key, sentence, step, is_stopped=True)


def _start_text(campaign: Campaign, conditions: Conditions) -> str:
    if campaign.scheduled_at is None and campaign.follows:
        return format_html(
            _("Goes out {when} (<a href='{url}'>{state}</a>). The audience is chosen then."),
            when=when_text(campaign),
            url=campaign.follows.get_absolute_url(),
            state=campaign.follows.get_state_display(),
        )
    when = exact_time(campaign.scheduled_at)
    if campaign.scheduled_at and campaign.scheduled_at <= conditions.now:
        return format_html(_("It was to start {when}."), when=when)
    return format_html(_("Starts {when}. The audience is fixed then."), when=when)


def _preparing(facts: Facts, conditions: Conditions) -> CampaignStatus:
    if obstacle := _obstacle(facts.campaign, conditions):
        return _stopped(obstacle)
    text = _("Preparing the audience, without duplicates and the stop list.")
    return CampaignStatus("preparing", text)


def _sending(facts: Facts, conditions: Conditions) -> CampaignStatus:
    obstacle = _obstacle(facts.campaign, conditions) or _silence(facts, conditions)
    if obstacle:
        return _stopped(obstacle, facts.phase.text if facts.phase.is_open else "")
    if facts.phase.is_open:
        return CampaignStatus("testing", facts.phase.text)
    if facts.all_wait:
        return _waiting_for_hours(facts)
    if facts.campaign.timing == Timing.GATEWAY:
        text = _("Messages are being handed over to the gateway, which sends them {when}.")
        sentence: str = format_html(text, when=exact_time(facts.campaign.scheduled_at))
        return CampaignStatus("sending", sentence)
    parts = [_("Messages are being sent."), facts.phase.text]
    if facts.counts.queued:
        parts.append(facts.pace.text(facts.counts.queued))
    return CampaignStatus("sending", _joined(*parts))


def _waiting_for_hours(facts: Facts) -> CampaignStatus:
    until = facts.waiting[0].until
    if until is None:
        text = _("Nobody who is left can be sent to during the sending hours.")
        step = _("Change the sending hours.")
        return CampaignStatus("outside_hours", text, step, is_stopped=True)
    text = format_html(_("Waiting for the sending hours, until {when}."), when=exact_time(until))
    return CampaignStatus("outside_hours", text, is_stopped=True)


def _paused(facts: Facts, conditions: Conditions) -> CampaignStatus:
    campaign, waits = facts.campaign, waiting_text(facts.counts.queued)
    if not campaign.reason:
        return CampaignStatus("paused", waits, is_stopped=True)
    reason = pause_reasons.pause_reason(campaign.reason)
    sentence = _joined(
        format_html("<strong>{}</strong>", reason.sentence), campaign.reason_detail, waits
    )
    obstacle = _obstacle(campaign, conditions)
    step: Text = reason.next_step
    if obstacle and obstacle.key == "other_account":  # which says itself what to do
        step = obstacle.sentence
    elif obstacle and obstacle.forbids_to_resume:
        step = _joined(obstacle.sentence, _("It can be resumed after that."))
    elif obstacle and obstacle.key != "key_refused":  # the pause has told of that already
        step = _joined(step, obstacle.sentence)
    return CampaignStatus("paused", sentence, step, is_stopped=True)


def _stopped(obstacle: Obstacle, more: str = "") -> CampaignStatus:
    sentence = _joined(obstacle.sentence, more)
    return CampaignStatus(obstacle.key, sentence, obstacle.next_step, is_stopped=True)


def _joined(*parts: Text) -> str:
    """The sentences that there are, each with its full stop, and a space between them."""
    return format_html_join(" ", "{}", ([_ended(part)] for part in parts if part))


def _ended(part: Text) -> Text:
    ends = str(part).rstrip().endswith((".", "!", "?", ">", "…"))
    return part if ends else format_html("{}.", part)


_DEPENDENT: dict[CampaignState, Callable[[Facts, Conditions], CampaignStatus]] = {
    S.SCHEDULED: _scheduled,
    S.PREPARING: _preparing,
    S.SENDING: _sending,
    S.PAUSED: _paused,
}
