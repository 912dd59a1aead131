"""A card of the composer in one line, for when it is folded."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience, EarlierOutcomes
from campaigns.compose.models import Campaign, RecipientOutcome, Segment, Timing
from campaigns.contacts.models import ContactList

SHOWN = 60  # characters


def card_summaries(campaign: Campaign, audience: Audience) -> dict[str, str]:
    """Each card's line, by the card's name. `campaign` need not be saved."""
    return {
        "message": _message(campaign),
        "sms": _sms(campaign),
        "audience": _audience(audience),
        "when": _when(campaign),
    }


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(SHOWN)


def _message(campaign: Campaign) -> str:
    return _short(campaign.text) or _("No text yet")


def _sms(campaign: Campaign) -> str:
    return _short(campaign.sms_text) or _("None: whoever Viber does not reach gets nothing")


def _audience(audience: Audience) -> str:
    chosen = _short(
        ", ".join(audience_names(audience.lists, audience.segments, audience.campaigns))
    )
    if not chosen:
        return _("Nobody yet")
    left_out = _short(
        ", ".join(
            audience_names(
                audience.exclude_lists, audience.exclude_segments, audience.exclude_campaigns
            )
        )
    )
    return (
        _("%(lists)s without %(others)s") % {"lists": chosen, "others": left_out}
        if left_out
        else chosen
    )


def audience_names(
    lists: Iterable[int], segments: Iterable[int], campaigns: EarlierOutcomes
) -> list[str]:
    """What an audience chooses or leaves out, by name."""
    found = (
        list(ContactList.objects.filter(pk__in=lists).values_list("name", flat=True))
        if lists
        else []
    )
    found += (
        Segment.objects.filter(pk__in=segments).values_list("name", flat=True) if segments else []
    )
    earlier = Campaign.objects.in_bulk([source for source, _outcome in campaigns])
    told = (
        (earlier[source], RecipientOutcome(outcome))
        for source, outcome in campaigns
        if source in earlier
    )
    return found + [f"{campaign} ({outcome.label})" for campaign, outcome in told]


def _when(campaign: Campaign) -> str:
    hours = campaign.sending_hours
    return (
        _("%(when)s, %(hours)s") % {"when": _start(campaign), "hours": hours}
        if hours
        else _start(campaign)
    )


def _start(campaign: Campaign) -> str:
    if campaign.timing == Timing.NOW:
        return campaign.get_timing_display()
    if campaign.scheduled_at is None:
        return _("No time yet")
    if local := campaign.local_time:
        return _("%(time)s by the clock of whoever gets it") % {
            "time": date_format(local, "j M Y, H:i")
        }
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    at = campaign.scheduled_at.astimezone(zone)
    words = (
        _("%(time)s, handed to the gateway") if campaign.timing == Timing.GATEWAY else "%(time)s"
    )
    return words % {"time": f"{date_format(at, 'j M Y, H:i')} ({zone.key})"}


def duration(seconds: int) -> str:
    """90 -> "1 min 30 s"."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        (hours, _("%(n)d h")),
        (minutes, _("%(n)d min")),
        (rest, _("%(n)d s")),
    ]
    return " ".join(words % {"n": n} for n, words in parts if n)


def script_messages() -> dict[str, str]:
    """What composer.js says, in the reader's language."""
    return {
        "onePart": _("%(encoding)s · %(units)s of %(room)s · 1 part"),
        "parts": _("%(encoding)s · %(units)s of %(room)s · %(parts)s parts"),
        "saveFailed": _("Not saved: the server did not answer. It is tried again."),
        "uploadFailed": _("The upload failed. Try again."),
        "hours": _("%(n)s h"),
        "minutes": _("%(n)s min"),
        "seconds": _("%(n)s s"),
    }
