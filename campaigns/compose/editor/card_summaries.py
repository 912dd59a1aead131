"""The cards of the composer in one line each, shown while they are folded."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience, EarlierOutcomes
from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.message.sms import INVISIBLE_NAMES
from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, DecisionMeasure, Segment, Timing
from campaigns.compose.models.segments import RecipientOutcome
from campaigns.contacts.models import ContactList

SHOWN = 60  # characters


def card_summaries(campaign: Campaign, audience: Audience) -> dict[str, str]:
    """The line of each card, by the card's name. `campaign` need not be saved."""
    return {
        "message": _message(campaign),
        "sms": _sms(campaign),
        "variants": variant_rule(campaign) or _("One message for everybody"),
        "audience": _audience(audience),
        "when": _when(campaign),
    }


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(SHOWN)


def _message(campaign: Campaign) -> str:
    return _short(campaign.text) or _("No text yet")


def _sms(campaign: Campaign) -> str:
    return _short(campaign.sms_text) or _("No SMS fallback")


def variant_rule(campaign: Campaign) -> str:
    """How the variants are divided and the winner is found; "" for one message for everybody."""
    letters = letters_of(campaign)
    if not letters:
        return ""
    named = ", ".join(letters)
    if not campaign.is_tested:
        return _("%(letters)s: the audience is divided evenly") % {"letters": named}
    pattern = (
        _("%(letters)s: tested on %(share)d%%, then %(measure)s decide after %(hours)d h")
        if campaign.decides_itself
        else _("%(letters)s: tested on %(share)d%%, then a user decides by %(measure)s")
    )
    return pattern % {
        "letters": named,
        "share": campaign.test_share,
        "measure": str(DecisionMeasure(campaign.decision_measure).label).lower(),
        "hours": campaign.decision_hours,
    }


def _audience(audience: Audience) -> str:
    chosen = _short(
        ", ".join(audience_names(audience.lists, audience.segments, audience.campaigns))
    )
    if not chosen:
        return _("No audience yet")
    excluded = _short(
        ", ".join(
            audience_names(
                audience.exclude_lists, audience.exclude_segments, audience.exclude_campaigns
            )
        )
    )
    return (
        _("%(lists)s, excluding %(others)s") % {"lists": chosen, "others": excluded}
        if excluded
        else chosen
    )


def audience_names(
    lists: Iterable[int], segments: Iterable[int], campaigns: EarlierOutcomes
) -> list[str]:
    """The names of what an audience chooses or excludes."""
    names = (
        list(ContactList.objects.filter(pk__in=lists).values_list("name", flat=True))
        if lists
        else []
    )
    names += (
        Segment.objects.filter(pk__in=segments).values_list("name", flat=True) if segments else []
    )
    sources = Campaign.objects.in_bulk([source for source, _outcome in campaigns])
    return names + [
        f"{sources[source]} ({RecipientOutcome(outcome).label})"
        for source, outcome in campaigns
        if source in sources
    ]


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
    if campaign.timing == Timing.AFTER:
        return when_text(campaign)
    if campaign.scheduled_at is None:
        return _("No time set")
    if local := campaign.local_time:
        return _("%(time)s in the recipient's local time") % {
            "time": date_format(local, "j M Y, H:i")
        }
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    moment = date_format(campaign.scheduled_at.astimezone(zone), "j M Y, H:i")
    pattern = (
        _("%(time)s, scheduled at the gateway") if campaign.timing == Timing.GATEWAY else "%(time)s"
    )
    return pattern % {"time": f"{moment} ({zone.key})"}


def script_messages() -> dict[str, Any]:
    """The texts of composer.js and autosave.js, in the reader's language."""
    return {
        "invisible": {character: str(name) for character, name in INVISIBLE_NAMES.items()},
        "replace": _("Replace characters"),
        "replaceSaving": _("Replace characters: saves %(saved)s SMS"),
        "saved": _("Saved"),
        "saveFailed": _("Not saved yet: the server does not answer. Trying again."),
        "saveRefused": _("Not saved: you may not change this draft any more, or it was deleted."),
        "signedOut": _("You are signed out. Sign in to save."),
        "anotherUser": _("Another user is signed in here. Sign in again to save."),
        "uploadFailed": _("The upload failed. Try again."),
        "hours": _("%(n)s h"),
        "minutes": _("%(n)s min"),
        "seconds": _("%(n)s s"),
    }
