"""Sentences about one campaign: its head, its state, and what a cancellation does."""

from collections.abc import Callable

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.reports.campaign.progress import CampaignProgress
from campaigns.reports.shared.key_figures import join_hints
from campaigns.templatetags.viberdash import exact_time, moment, number, who


def summary(campaign: Campaign) -> str:
    """Return the line under the name: sender, type, who launched it and when, when it ended."""
    return join_hints(
        campaign.sender.name if campaign.sender else "",
        _("promotional") if campaign.promotional else _("transactional"),
        _origin(campaign),
        format_html(_("ended {when}"), when=moment(campaign.finished_at))
        if campaign.finished_at
        else "",
    )


def _origin(campaign: Campaign) -> str:
    if campaign.launched_at:
        when = moment(campaign.launched_at)
        if not campaign.launched_by:
            return format_html(_("launched {when}"), when=when)
        return format_html(
            _("launched {when} by {name}"), when=when, name=who(campaign.launched_by)
        )
    if campaign.created_by:
        return _("created by %(name)s") % {"name": who(campaign.created_by)}
    return ""


def state_text(progress: CampaignProgress) -> str:
    """Return what the state of the campaign means for it; "" for a paused one, which has a
    reason.
    """
    texts: dict[str, Callable[[CampaignProgress], str]] = {
        CampaignState.DRAFT: _draft_text,
        CampaignState.AWAITING_APPROVAL: _approval_text,
        CampaignState.SCHEDULED: _scheduled_text,
        CampaignState.PREPARING: _preparing_text,
        CampaignState.SENDING: _sending_text,
        CampaignState.FINISHED: _finished_text,
        CampaignState.CANCELLED: _cancelled_text,
    }
    make_text = texts.get(progress.campaign.state)
    return make_text(progress) if make_text else ""


def _draft_text(progress: CampaignProgress) -> str:
    text, note = _("Nothing is sent until you launch it."), progress.campaign.approval_note
    if not note:
        return text
    return format_html("{} <strong>{}</strong> {}", text, _("Changes requested:"), note)


def _approval_text(progress: CampaignProgress) -> str:
    campaign = progress.campaign
    if not campaign.approval_asked_by:
        return _("Waiting for approval by a second person.")
    return format_html(
        _("{name} requested approval {when}. A second person has to approve."),
        name=who(campaign.approval_asked_by),
        when=moment(campaign.approval_asked_at),
    )


def _scheduled_text(progress: CampaignProgress) -> str:
    campaign = progress.campaign
    if campaign.scheduled_at is None and campaign.follows:
        return format_html(
            _("Goes out {when} (<a href='{url}'>{state}</a>). The audience is chosen then."),
            when=when_text(campaign),
            url=campaign.follows.get_absolute_url(),
            state=campaign.follows.get_state_display(),
        )
    when = exact_time(campaign.scheduled_at)
    return format_html(_("Starts {when}. The audience is fixed then."), when=when)


def _preparing_text(progress: CampaignProgress) -> str:
    return _("Preparing the audience, without duplicates and the stop list.")


def _sending_text(progress: CampaignProgress) -> str:
    campaign = progress.campaign
    if progress.phase.is_open:
        return progress.phase.text
    if campaign.timing != Timing.GATEWAY:
        return format_html("{} {}", _("Messages are being sent."), progress.phase.text).strip()
    return format_html(
        _("Messages are being handed over to the gateway, which sends them {when}."),
        when=exact_time(campaign.scheduled_at),
    )


def _finished_text(progress: CampaignProgress) -> str:
    awaiting = progress.counts.awaiting_status
    if not awaiting:
        return _("All messages were sent, and the status of every message is known.")
    text = ngettext(
        "All messages were sent. %(number)s message is awaiting its status.",
        "All messages were sent. %(number)s messages are awaiting their status.",
        awaiting,
    )
    return text % {"number": number(awaiting)}


def _cancelled_text(progress: CampaignProgress) -> str:
    return _("Nothing more is sent. Messages accepted before the cancellation stay sent.")


def cancel_warning(progress: CampaignProgress) -> str:
    """Return what a cancellation means for the recipients."""
    if not progress.counts.audience:
        return _("Nothing was sent yet, and nothing will be. This can't be undone.")
    text = ngettext(
        "%(number)s recipient is still waiting and will get nothing. Messages that the gateway has"
        " accepted stay sent. This can't be undone.",
        "%(number)s recipients are still waiting and will get nothing. Messages that the gateway"
        " has accepted stay sent. This can't be undone.",
        progress.counts.queued,
    )
    return text % {"number": number(progress.counts.queued)}


def take_back_text(campaign: Campaign) -> str:
    """Return what it means for a launched campaign to become a draft again."""
    texts = [_("Nothing was sent yet. You can change everything, then launch it again.")]
    if campaign.approved_by_id:
        texts.append(_("Its approval becomes void and has to be requested again."))
    if waiting := campaign.follow_ups.filter(state=CampaignState.SCHEDULED).count():
        text = ngettext(
            "%(n)d follow-up goes on waiting for it.",
            "%(n)d follow-ups go on waiting for it.",
            waiting,
        )
        texts.append(text % {"n": waiting})
    return " ".join(texts)


def go_live_warning(campaign: Campaign) -> str:
    """Return what the launch of a rehearsed campaign means."""
    text = ngettext(
        "%(number)s recipient will get the message, and it costs money.",
        "%(number)s recipients will get the message, and it costs money.",
        campaign.audience or 0,
    )
    return text % {"number": number(campaign.audience or 0)}
