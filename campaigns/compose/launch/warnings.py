"""What should be thought over before a launch: each doubt with its reason. Nothing here forbids
anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.first_time_recipients import count_first_time_recipients
from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.sms import UCS_2, measure_sms
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.ledger.models import Purpose

NIGHT_FROM, NIGHT_UNTIL = 21, 8  # hours, in the zone of the campaign
SHORT_VALIDITY = 300  # seconds; phones that are off for a moment miss the message
SMS_PARTS_MEANT = 5  # as many as 765 GSM-7 characters take
SAME_TEXT_WITHIN = timedelta(hours=24)
_OPT_OUT = re.compile(
    r"\b(stop|unsub\w*|opt[ -]?out|відпис\w*|стоп|отпис\w*|dezabon\w*|отпиш\w*|wypisz|abmeld\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong or doubtful, at a field of the form ("" = the whole), in words that say what to
    do.
    """

    field: str
    message: str | Promise


def warnings(campaign: Campaign, measured: MessageLengths | None = None) -> list[Problem]:
    """What is allowed in `campaign` and may still be a mistake. `measured` as in
    `checks.problems`.
    """
    measured = measured or MessageLengths(Audience.of(campaign), compile_message(campaign))
    found = [*_message(campaign), *_sms(campaign, measured), *_when(campaign)]
    return [
        *found,
        *_repeated(campaign, measured.audience),
        *_newcomers(campaign, measured.audience),
    ]


def _message(campaign: Campaign) -> Iterator[Problem]:
    if not campaign.promotional and (campaign.image_url or campaign.image or campaign.button_url):
        yield Problem(
            "promotional",
            _(
                "Viber treats a message with a picture or a button as promotional; a transactional"
                " one is text only."
            ),
        )
    if campaign.button_url.lower().startswith("http://"):
        yield Problem(
            "button_url",
            _("The link is plain http: phones may warn of it. Use https if the site has it."),
        )
    if (
        campaign.promotional
        and campaign.text
        and not _OPT_OUT.search(f"{campaign.text} {campaign.sms_text}")
    ):
        yield Problem("text", _("Nothing in the message says how to unsubscribe."))


def _sms(campaign: Campaign, measured: MessageLengths) -> Iterator[Problem]:
    if not campaign.sms_text:
        return
    if campaign.validity < SHORT_VALIDITY:
        yield Problem(
            "validity",
            _(
                "Viber tries for %(seconds)d seconds only, then the SMS goes out: many will get the"
                " SMS."
            )
            % {"seconds": campaign.validity},
        )
    taken = measure_sms(measured.template.sms_text.fill_partially({}))
    if measured.template.sms_text.tags and measured.audience:
        taken = measured.sms.largest
        yield from _spilled(measured.sms.by_parts())
    elif taken.encoding == UCS_2 and taken.parts > 1:
        shown = " ".join(taken.culprits[:5]) + (" …" if len(taken.culprits) > 5 else "")
        yield Problem(
            "sms_text",
            _(
                "The SMS takes %(parts)d parts: these characters leave room for 67 in a part, not"
                " 153: %(shown)s"
            )
            % {"parts": taken.parts, "shown": shown},
        )
    elif taken.parts > 1:
        yield Problem(
            "sms_text",
            _("The SMS takes %(parts)d parts, each of them paid for.") % {"parts": taken.parts},
        )
    if taken.parts > SMS_PARTS_MEANT:
        yield Problem(
            "sms_text", _("An SMS of more than 5 parts may be cut or refused by networks.")
        )


def _spilled(people: dict[int, int]) -> Iterator[Problem]:
    """`people` by SMS parts: more than one is for those with long values."""
    if several := sum(number for parts, number in people.items() if parts > 1):
        words = ngettext(
            "For %(people)s person the SMS takes more than one part, up to %(parts)d, each of them"
            " paid for.",
            "For %(people)s people the SMS takes more than one part, up to %(parts)d, each of them"
            " paid for.",
            several,
        )
        yield Problem(
            "sms_text",
            words % {"people": number_format(several, force_grouping=True), "parts": max(people)},
        )


def _when(campaign: Campaign) -> Iterator[Problem]:
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    start = timezone.now() if campaign.timing == Timing.NOW else campaign.scheduled_at
    if local := campaign.local_time:
        if campaign.sending_hours is None and not NIGHT_UNTIL <= local.hour < NIGHT_FROM:
            words = _("It would go out at %(time)s by everybody's own clock, when people sleep.")
            yield Problem("timing", words % {"time": local.strftime("%H:%M")})
    elif (
        start
        and campaign.sending_hours is None
        and not NIGHT_UNTIL <= start.astimezone(zone).hour < NIGHT_FROM
    ):
        yield Problem(
            "timing",
            _("It would go out at %(time)s (%(zone)s), when people sleep.")
            % {
                "time": start.astimezone(zone).strftime("%H:%M"),
                "zone": zone.key,
            },
        )
    if campaign.timing == Timing.GATEWAY:
        yield Problem(
            "timing", _("What is handed to the gateway can't be paused or cancelled here any more.")
        )


def _repeated(campaign: Campaign, audience: Audience) -> Iterator[Problem]:
    """The same words to one of the same lists or segments a short time ago."""
    lately = Campaign.objects.filter(
        Q(lists__in=audience.lists) | Q(segments__in=audience.segments),
        purpose=Purpose.CAMPAIGN,
        text=campaign.text,
        launched_at__gte=timezone.now() - SAME_TEXT_WITHIN,
    ).exclude(state__in=[CampaignState.DRAFT, CampaignState.CANCELLED])
    if same := lately.exclude(pk=campaign.pk).first():
        yield Problem(
            "lists",
            _("“%(name)s” sent the same text to one of these lists in the last 24 hours.")
            % {"name": same.name},
        )


def _newcomers(campaign: Campaign, audience: Audience) -> Iterator[Problem]:
    """People who were never messaged: of a promotional message, which they may not expect."""
    found = count_first_time_recipients(audience) if campaign.promotional and audience else 0
    if not found:
        return
    words = ngettext(
        "%(people)s person was never messaged before. Whoever does not expect a message blocks or"
        " reports its sender more often.",
        "%(people)s people were never messaged before. Whoever does not expect a message blocks or"
        " reports its sender more often.",
        found,
    )
    yield Problem("lists", words % {"people": number_format(found, force_grouping=True)})
