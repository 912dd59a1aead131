"""What forbids a launch: problems, each at a field of the form.

The form, the command, the review page and the launch itself all use these checks. The limits of the
gateway come from `gateway.limits` (docs/gateway-contract.md); the others follow from
docs/message-rules.md.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, time, timedelta
from difflib import get_close_matches

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch.follow_ups import follow_up_problems
from campaigns.compose.launch.local_start import places
from campaigns.compose.launch.problem import Problem
from campaigns.compose.launch.text_checks import variants as variant_rules
from campaigns.compose.launch.text_checks.foreign_tags import foreign_tag_problems, known_fields
from campaigns.compose.launch.text_checks.links import (
    confirm_tag_problems,
    link_problems,
    page_tag_problems,
    too_many_links,
)
from campaigns.compose.launch.warnings import warnings
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.merge_tags import MAX_FIELDS, CompiledText
from campaigns.compose.message.message_lengths import LengthRange
from campaigns.compose.message.pictures import is_picture_reachable
from campaigns.compose.message.render import CompiledMessage, compile_message, message_for
from campaigns.compose.message.sms import GSM_7, measure_sms
from campaigns.compose.models import Campaign, Series, Timing, Trigger
from campaigns.compose.schedule.sending_hours import Place, SendingHours
from campaigns.compose.schedule.time_zones import COUNTRIES_BY_AREA
from campaigns.contacts.phones import countries
from campaigns.gateway import limits
from campaigns.gateway.types import Address, SendRequest

ANY_ADDRESS = (Address("380000000000", "0"),)  # the contract needs a recipient to check a message
__all__ = [
    "Problem",
    "audience_problems",
    "hours_problems",
    "launch_problems",
    "message_problems",
    "other_use",
    "problems",
    "time_problems",
    "warnings",
]

MERGED = ("text", "button_url", "sms_text")  # the fields that may contain merge tags
VIBER_ENDINGS = (".jpg", ".jpeg", ".png")
COUNTRIES_NAMED = 5  # at most, in one message
FARTHEST = timedelta(days=366)  # a later time is taken for a typing error


def problems(campaign: Campaign, measured: MeasuredAudience | None = None) -> list[Problem]:
    """Everything that forbids launching `campaign`.

    Pass `measured` to share its counts, or where the audience is not saved with the campaign yet.
    """
    measured = measured or measure_now(Audience.of(campaign), compile_message(campaign))
    if is_sent_otherwise := other_use(campaign):
        return [*message_problems(campaign), Problem("", is_sent_otherwise)]
    problem_list = launch_problems(campaign, measured)
    return [*problem_list, *time_problems(campaign)] if measured.audience else problem_list


def other_use(campaign: Campaign) -> str:
    """What sends the message of a draft instead of a launch; "" for an ordinary draft."""
    if trigger := Trigger.objects.filter(draft=campaign.pk).first():
        text = _("This is the message of the trigger “%(event)s”, which sends it.")
        return text % {"event": trigger.event}
    if Series.objects.filter(draft=campaign.pk).exists():
        return _("This draft is repeated by a series, which sends it.")
    return ""


def launch_problems(campaign: Campaign, measured: MeasuredAudience) -> list[Problem]:
    """Everything that forbids sending `campaign` to those who are measured, but for its time and
    for what else may send its message.
    """
    problem_list = [*message_problems(campaign), *confirm_tag_problems(campaign)]
    problem_list += variant_rules.of_others(campaign, confirm_tag_problems)
    if not measured.audience:
        problem_list.append(Problem("lists", _("Choose a list or a segment.")))
        return problem_list
    problem_list += audience_problems(measured)
    problem_list += variant_rules.division_problems(campaign, measured)
    return problem_list + hours_problems(campaign, measured.audience, measured.countries)


def message_problems(campaign: Campaign) -> list[Problem]:
    """Problems of the message itself and of its variants, whatever the audience."""
    return [
        *_own_problems(campaign),
        *variant_rules.of_others(campaign, _own_problems),
        *variant_rules.variant_problems(campaign),
    ]


def _own_problems(campaign: Campaign) -> list[Problem]:
    template = compile_message(campaign)
    problem_list = [*_brace_problems(campaign, template), *_picture_problems(campaign)]
    problem_list += [
        *page_tag_problems(campaign),
        *too_many_links(campaign, template),
        *_contract_problems(campaign, template),
        *link_problems(campaign, template),
        *_sms_problems(template),
    ]
    return _once_a_field(problem_list)


def _once_a_field(problem_list: Iterable[Problem]) -> list[Problem]:
    """The first problem of each field: the others mostly repeat it."""
    return list({problem.field: problem for problem in reversed(list(problem_list))}.values())[::-1]


def _brace_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    for field in MERGED:
        for compiled in template.texts_of(field):
            for stray in compiled.strays[:1]:
                yield Problem(field, _stray_message(stray))
            if compiled.excess:
                message = _("Use at most %(most)d different merge tags.") % {"most": MAX_FIELDS}
                yield Problem(field, message)
    for field in ("button_caption", "sms_sender"):
        if CompiledText(getattr(campaign, field)).tags:
            yield Problem(field, _("Merge tags don't work here. Write plain text."))


def _stray_message(stray: str) -> str:
    return _(
        "“%(stray)s” is not a merge tag. Write {first_name} or {first_name|friend}, with letters,"
        " digits and underscores in the name. To show a brace, write {{ or }}."
    ) % {"stray": stray}


def _contract_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    """What the gateway would refuse even if each merge tag became a single letter."""
    rendered = template.render_partially(dict.fromkeys(template.names, "x"))
    message = message_for(campaign, rendered, ANY_ADDRESS)
    request = SendRequest((message,), campaign.validity, campaign.tariff)
    for violation in limits.violations(request):
        yield Problem(violation.field, violation.text)
    if campaign.sms_sender and not campaign.sms_text:
        yield Problem("sms_text", _("Write the SMS text or remove the SMS sender."))


def _picture_problems(campaign: Campaign) -> Iterator[Problem]:
    # The gateway takes more formats than Viber shows.
    if campaign.image_url and not campaign.image_url.endswith(VIBER_ENDINGS):
        message = _("Use a JPEG or PNG image: its address ends in .jpg, .jpeg or .png.")
        yield Problem("image_url", message)
    if (campaign.image or campaign.image_url) and not is_picture_reachable(campaign):
        yield Problem(
            "image_url",
            _(
                "BSG can't fetch this image: it needs a public address. For uploaded images, an "
                "administrator has to set PUBLIC_BASE_URL."
            ),
        )


def _sms_problems(template: CompiledMessage) -> Iterator[Problem]:
    if template.sms_text.tags:
        return
    sms = measure_sms(template.sms_text.fill_partially({}))
    if sms.encoding == GSM_7 and (message := _units_message(sms.units)):
        yield Problem("sms_text", message)


def _units_message(septets: int) -> str:
    if septets <= limits.SMS_TEXT_MAX:
        return ""
    return _(
        "Shorten the SMS: it has %(units)d characters, but only 765 fit (5 parts). Characters such"
        " as € or { count as two."
    ) % {"units": septets}


def time_problems(campaign: Campaign) -> list[Problem]:
    """Problems of the scheduled time."""
    if campaign.timing == Timing.NOW:
        return []
    if campaign.timing == Timing.AFTER:
        return follow_up_problems(campaign)
    if campaign.scheduled_at is None:
        return [Problem("scheduled_at", _("Choose a date and time."))]
    now = timezone.now()
    if campaign.scheduled_at <= now:
        if campaign.timing == Timing.LOCAL:
            return [
                Problem(
                    "scheduled_at",
                    _("This time has already passed where some recipients are."),
                )
            ]
        return [Problem("scheduled_at", _("Choose a time in the future."))]
    if campaign.scheduled_at > now + FARTHEST:
        return [Problem("scheduled_at", _("Choose a time within the next year."))]
    return []


def ends_problem(start: time | None, end: time | None) -> Problem | None:
    """The problem of sending hours from `start` until `end`: only one is given, or they are not in
    order.
    """
    if bool(start) != bool(end):
        return Problem(
            "sends_until" if start else "sends_from", _("Fill in both times or neither.")
        )
    if start and end and start >= end:
        return Problem("sends_until", _("Choose a time later than “Not before”."))
    return None


def hours_problems(
    campaign: Campaign, audience: Audience, countries_sent_to: Collection[str] | None = None
) -> list[Problem]:
    """Countries whose sending hours never come, or do not contain the time that is scheduled at the
    gateway.

    The gateway sends everything at that time and lets nobody wait, so it has to suit all countries.
    `countries_sent_to` as in `local_start.places`.
    """
    hours, at = campaign.sending_hours, campaign.scheduled_at
    if hours is None:
        return []
    at_gateway = campaign.timing == Timing.GATEWAY and at is not None
    moment = at if at_gateway and at else timezone.now()
    closed = [
        place.country
        for place in places(audience, countries_sent_to)
        if not _suits(hours, place, moment, at_gateway)
    ]
    if not closed:
        return []
    named = ", ".join(
        countries.name(code) or _("unknown country") for code in closed[:COUNTRIES_NAMED]
    )
    if at_gateway:
        message = _("This time is outside the sending hours %(hours)s in: %(countries)s.")
        return [Problem("scheduled_at", message % {"hours": hours, "countries": named})]
    message = _(
        "Make the sending hours longer: %(hours)s never applies in all time zones of %(countries)s."
    )
    return [Problem("sends_until", message % {"hours": hours, "countries": named})]


def _suits(hours: SendingHours, place: Place, moment: datetime, at_gateway: bool) -> bool:
    if at_gateway:
        return hours.is_open(place, moment)
    return place.country in COUNTRIES_BY_AREA or hours.next_opening(place, moment) is not None


def audience_problems(measured: MeasuredAudience) -> list[Problem]:
    """Merge tags without a column or a value, and texts that become too long or empty."""
    if wrong := tag_problems(measured.audience, measured.template):
        return wrong
    problem_list = [*_missing_values(measured), *_length_problems(measured)]
    for letter in measured.template.variants:
        variant = measured.of_variant(letter)
        found = [*_missing_values(variant), *_length_problems(variant)]
        problem_list += variant_rules.in_variant(letter, found)
    return problem_list


def tag_problems(audience: Audience, template: CompiledMessage) -> list[Problem]:
    """Merge tags without a column in the lists, and placeholders of other programs for one."""
    known = known_fields(audience)
    problem_list = _tag_problems(template, known)
    for letter, variant in template.variants.items():
        found = _tag_problems(variant, known)
        problem_list += variant_rules.in_variant(letter, found)
    return problem_list


def _tag_problems(template: CompiledMessage, known: set[str]) -> list[Problem]:
    return _once_a_field([*foreign_tag_problems(template, known), *_unknown_tags(template, known)])


def _unknown_tags(template: CompiledMessage, known: set[str]) -> Iterator[Problem]:
    for field in MERGED:
        for name in sorted({tag.name for tag in template.tags_of(field)} - known):
            yield Problem(field, unknown_tag_message(name, known))


def unknown_tag_message(name: str, known: set[str]) -> str:
    """The message for a merge tag that no chosen list has; `known`: the tags that they have."""
    if near := get_close_matches(name, known, n=1, cutoff=0.6):
        return _("The chosen lists have no column {%(name)s}. Did you mean {%(near)s}?") % {
            "name": name,
            "near": near[0],
        }
    if not known:
        return _("The chosen lists have no column {%(name)s}: they contain phones only.") % {
            "name": name
        }
    return _("The chosen lists have no column {%(name)s}. They have: %(known)s.") % {
        "name": name,
        "known": ", ".join(f"{{{field}}}" for field in sorted(known)),
    }


def _missing_values(measured: MeasuredAudience) -> Iterator[Problem]:
    for name, contacts in measured.missing.items():
        fields = (
            field
            for field in MERGED
            if any(
                tag.name == name and tag.fallback is None
                for tag in measured.template.tags_of(field)
            )
        )
        if field := next(fields, ""):  # else only another variant needs it
            yield Problem(field, _missing_message(name, contacts))


def _missing_message(name: str, contacts: int) -> str:
    return ngettext(
        "%(contacts)s contact has no {%(name)s}. Add a fallback value, as in {%(name)s|friend}.",
        "%(contacts)s contacts have no {%(name)s}. Add a fallback value, as in {%(name)s|friend}.",
        contacts,
    ) % {"contacts": number_format(contacts, force_grouping=True), "name": name}


def _length_problems(measured: MeasuredAudience) -> Iterator[Problem]:
    template = measured.template
    if template.text.tags and measured.text:
        yield from _text_lengths(measured.text)
    if template.button_url.tags:
        yield from _link_lengths(measured.link.longest if measured.link else 0)
    if template.sms_text.tags and measured.sms_text:
        yield from _sms_lengths(measured, measured.sms_text)


def _text_lengths(lengths: LengthRange) -> Iterator[Problem]:
    if lengths.longest > limits.TEXT_MAX:
        message = _(
            "Shorten the text: with the longest values it has %(length)d characters, but only 1000"
            " fit."
        )
        yield Problem("text", message % {"length": lengths.longest})
    elif lengths.shortest == 0:
        yield Problem("text", _("The text is empty for contacts without values."))


def _link_lengths(longest: int) -> Iterator[Problem]:
    if longest > limits.URL_MAX:
        message = _(
            "Shorten the link: with the longest value it has %(length)d characters, but only 255"
            " fit."
        )
        yield Problem("button_url", message % {"length": longest})


def _sms_lengths(measured: MeasuredAudience, lengths: LengthRange) -> Iterator[Problem]:
    if lengths.shortest == 0:
        yield Problem("sms_text", _("The SMS is empty for contacts without values."))
    elif lengths.longest > limits.SMS_TEXT_MAX:
        message = _(
            "Shorten the SMS: with the longest values it has %(length)d characters, but only 765"
            " fit."
        )
        yield Problem("sms_text", message % {"length": lengths.longest})
    elif lengths.longest * 2 > limits.SMS_TEXT_MAX and (
        units_message := _units_message(measured.sms.longest_gsm)
    ):
        yield Problem("sms_text", units_message)
