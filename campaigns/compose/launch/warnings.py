"""What may be a mistake in a campaign, but does not forbid a launch."""

import re
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.first_time_recipients import count_first_time_recipients
from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch.problem import Problem
from campaigns.compose.launch.text_checks import variants as variant_rules
from campaigns.compose.launch.text_checks.foreign_tags import foreign_tag_warnings, known_fields
from campaigns.compose.message.audience_counts import is_small, measure_now
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.sms import (
    UCS_2,
    has_other_script,
    measure_sms,
    shown_character,
)
from campaigns.compose.message.tracking.tracked_links import PageTag, page_tags
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.contacts.lists.public_lists import offered_lists
from campaigns.ledger.models import Purpose

NIGHT_FROM, NIGHT_UNTIL = 21, 8  # hours, in the time zone of the campaign
SHORT_VALIDITY = 300  # seconds; phones that are offline for a moment miss the message
SMS_PARTS_SAFE = 5  # as many as 765 GSM-7 characters take
SAME_TEXT_WITHIN = timedelta(hours=24)
_OPT_OUT = re.compile(
    r"\b(stop|unsub\w*|opt[ -]?out|відпис\w*|стоп|отпис\w*|dezabon\w*|отпиш\w*|wypisz|abmeld\w*)\b",
    re.IGNORECASE,
)


def warnings(campaign: Campaign, measured: MeasuredAudience | None = None) -> list[Problem]:
    """What may be a mistake in `campaign`. `measured` as in `checks.problems`."""
    measured = measured or measure_now(Audience.of(campaign), compile_message(campaign))
    problem_list = [*_message(campaign), *_sms(campaign, measured), *_when(campaign)]
    known = known_fields(measured.audience) if measured.audience else set()
    problem_list += foreign_tag_warnings(measured.template, known)
    problem_list += variant_rules.of_others(campaign, _message)
    problem_list += variant_rules.division_warnings(campaign, measured)
    return [
        *problem_list,
        *_repeated(campaign, measured.audience),
        *_newcomers(campaign, measured),
    ]


def _message(campaign: Campaign) -> Iterator[Problem]:
    if not campaign.promotional and (campaign.image_url or campaign.image or campaign.button_url):
        yield Problem(
            "promotional",
            _(
                "Viber treats every message with an image or a button as promotional. Transactional"
                " messages are text only."
            ),
        )
    if campaign.button_url.lower().startswith("http://"):
        yield Problem(
            "button_url",
            _("Phones may warn about an http link. Use https if the website supports it."),
        )
    tags = {tag.page_tag: tag.field for tag in page_tags(campaign)}
    has_link = not tags.keys().isdisjoint((PageTag.OPT_OUT, PageTag.PREFERENCES))
    says_how = has_link or _OPT_OUT.search(f"{campaign.text} {campaign.sms_text}")
    if campaign.promotional and campaign.text and not says_how:
        yield Problem("text", _("The message does not say how to unsubscribe."))
    if PageTag.PREFERENCES in tags and not offered_lists(campaign):
        text = _(
            "{preferences} leads to a page without lists: none is offered to recipients. They can"
            " only stop all messages."
        )
        yield Problem(tags[PageTag.PREFERENCES], text)


def _sms(campaign: Campaign, measured: MeasuredAudience) -> Iterator[Problem]:
    if not campaign.sms_text:
        return
    if campaign.validity < SHORT_VALIDITY:
        yield Problem(
            "validity",
            _(
                "The validity period is only %(seconds)d seconds: many recipients will get the SMS"
                " instead."
            )
            % {"seconds": campaign.validity},
        )
    size = measure_sms(measured.template.sms_text.fill_partially({}))
    if measured.template.sms_text.tags and measured.audience:
        size = measured.sms.largest
        yield from _several_parts(measured.sms.by_parts())
    elif has_other_script(size) and size.parts > 1:
        text = _(
            "The SMS has %(parts)d parts, each of them charged. In this script a part holds 67"
            " characters instead of 153."
        )
        yield Problem("sms_text", text % {"parts": size.parts})
    elif size.encoding == UCS_2 and size.parts > 1:
        shown = " ".join(map(shown_character, size.culprits[:5]))
        shown += " …" if len(size.culprits) > 5 else ""
        yield Problem(
            "sms_text",
            _(
                "The SMS has %(parts)d parts, each of them charged. With these characters a part"
                " holds 67 characters instead of 153: %(shown)s"
            )
            % {"parts": size.parts, "shown": shown},
        )
    elif size.parts > 1:
        yield Problem(
            "sms_text",
            _("The SMS has %(parts)d parts, each of them charged.") % {"parts": size.parts},
        )
    if size.parts > SMS_PARTS_SAFE:
        yield Problem("sms_text", _("Networks may cut or refuse an SMS of more than 5 parts."))


def _several_parts(recipients_by_parts: dict[int, int]) -> Iterator[Problem]:
    """A warning for the recipients whose values make the SMS longer than one part."""
    recipients = sum(number for parts, number in recipients_by_parts.items() if parts > 1)
    if not recipients:
        return
    message = ngettext(
        "The SMS to %(recipients)s recipient has up to %(parts)d parts, each of them charged.",
        "The SMS to %(recipients)s recipients has up to %(parts)d parts, each of them charged.",
        recipients,
    )
    figures = {
        "recipients": number_format(recipients, force_grouping=True),
        "parts": max(recipients_by_parts),
    }
    yield Problem("sms_text", message % figures)


def _when(campaign: Campaign) -> Iterator[Problem]:
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    start = timezone.now() if campaign.timing == Timing.NOW else campaign.scheduled_at
    if campaign.sending_hours is None and (local := campaign.local_time):
        if _is_night(local.hour):
            message = _("It goes out at night: at %(time)s in the recipient's local time.")
            yield Problem("timing", message % {"time": f"{local:%H:%M}"})
    elif campaign.sending_hours is None and start and _is_night(start.astimezone(zone).hour):
        message = _("It goes out at night: at %(time)s (%(zone)s).")
        figures = {"time": f"{start.astimezone(zone):%H:%M}", "zone": zone.key}
        yield Problem("timing", message % figures)
    if campaign.timing == Timing.GATEWAY:
        yield Problem(
            "timing", _("A campaign scheduled at the gateway can't be paused or cancelled.")
        )


def _is_night(hour: int) -> bool:
    return not NIGHT_UNTIL <= hour < NIGHT_FROM


def _repeated(campaign: Campaign, audience: Audience) -> Iterator[Problem]:
    """The same text was sent to one of these lists or segments a short time ago."""
    recent = Campaign.objects.filter(
        Q(lists__in=audience.lists) | Q(segments__in=audience.segments),
        purpose=Purpose.CAMPAIGN,
        text=campaign.text,
        launched_at__gte=timezone.now() - SAME_TEXT_WITHIN,
    ).exclude(state__in=[CampaignState.DRAFT, CampaignState.CANCELLED])
    if same := recent.exclude(pk=campaign.pk).first():
        message = _("“%(name)s” sent the same text to one of these lists in the last 24 hours.")
        yield Problem("lists", message % {"name": same.name})


def _newcomers(campaign: Campaign, measured: MeasuredAudience) -> Iterator[Problem]:
    """A promotional message is the first one for some contacts, who may not expect it."""
    if not campaign.promotional or not measured.audience:
        return
    contacts = measured.newcomers
    if contacts is None and is_small(measured.audience):
        contacts = count_first_time_recipients(measured.audience, measured.recipients)
    if not contacts:
        return
    message = ngettext(
        "%(contacts)s contact has never got a message from you. First messages are blocked and"
        " reported more often.",
        "%(contacts)s contacts have never got a message from you. First messages are blocked and"
        " reported more often.",
        contacts,
    )
    yield Problem("lists", message % {"contacts": number_format(contacts, force_grouping=True)})
