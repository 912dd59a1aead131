"""Sentences about one campaign: its head, and what a cancellation or a launch does."""

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign, CampaignState
from campaigns.reports.campaign.progress import CampaignProgress
from campaigns.reports.shared.key_figures import join_hints
from campaigns.templatetags.viberdash import moment, number, who


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
