"""What forbids a launch (problems) and what should be thought over (warnings), each at the field of
the form.

The words of the contract come from `gateway.limits`; the rest are the rules of Viber and of SMS,
and of this house. The form, the command, the review and the launch all ask here.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from difflib import get_close_matches

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch.warnings import Problem, warnings
from campaigns.compose.message import message_lengths, web_addresses
from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.message_lengths import LengthRange, MessageLengths
from campaigns.compose.message.pictures import is_picture_reachable
from campaigns.compose.message.render import CompiledMessage, compile_message, message_for
from campaigns.compose.message.sms import GSM_7, measure_sms
from campaigns.compose.models import Campaign, Timing
from campaigns.compose.schedule.sending_hours import Place, SendingHours
from campaigns.compose.schedule.time_zones import COUNTRIES_BY_AREA
from campaigns.contacts.phones import countries
from campaigns.gateway import limits
from campaigns.gateway.types import Address, SendRequest

SOMEBODY = (Address("380000000000", "0"),)
__all__ = [
    "Problem",
    "audience_problems",
    "hours_problems",
    "message_problems",
    "problems",
    "time_problems",
    "warnings",
]

MERGED = ("text", "button_url", "sms_text")  # the fields where merge tags are filled in
SHOWN_ENDINGS = (".jpg", ".jpeg", ".png")
NAMED = 5  # countries in one complaint
FARTHEST = timedelta(days=366)  # a time beyond it is a slip of the finger


def problems(campaign: Campaign, measured: MessageLengths | None = None) -> list[Problem]:
    """All that forbids launching `campaign`; empty when nothing does.

    `measured` where the caller counts too, or where the lists are not yet saved with the campaign.
    """
    measured = measured or MessageLengths(Audience.of(campaign), compile_message(campaign))
    found = message_problems(campaign)
    if not measured.audience:
        found.append(Problem("lists", _("Choose at least one list.")))
        return found
    found += audience_problems(measured) + time_problems(campaign)
    return found + hours_problems(campaign, measured.audience)


def message_problems(campaign: Campaign) -> list[Problem]:
    """What is wrong with the message itself, whoever gets it."""
    template = compile_message(campaign)
    found = [*_brace_problems(campaign, template), *_picture_problems(campaign)]
    found += [
        *_contract_problems(campaign, template),
        *_link_problems(campaign, template),
        *_sms_problems(template),
    ]
    return _once_a_field(found)


def _once_a_field(found: Iterable[Problem]) -> list[Problem]:
    """The first problem of each field: the others mostly say the same in other words."""
    return list({problem.field: problem for problem in reversed(list(found))}.values())[::-1]


def _brace_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    for field in MERGED:
        for stray in getattr(template, field).strays[:1]:
            yield Problem(field, _stray_words(stray))
    for field in ("button_caption", "sms_sender"):
        if CompiledText(getattr(campaign, field)).tags:
            yield Problem(field, _("Merge tags can't stand here. Write the words out."))


def _stray_words(stray: str) -> str:
    return _(
        "“%(stray)s” is not a merge tag: a tag is a name of letters, digits and underscores between"
        " braces, as in {first_name} or {first_name|friend}. For a brace itself write {{ or }}."
    ) % {"stray": stray}


def _contract_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    """What the gateway would refuse, where each merge tag gives a single letter."""
    rendered = template.render_partially(dict.fromkeys(template.names, "x"))
    message = message_for(campaign, rendered, SOMEBODY)
    request = SendRequest((message,), campaign.validity, campaign.tariff)
    for violation in limits.violations(request):
        yield Problem(violation.field, violation.text)
    if campaign.sms_sender and not campaign.sms_text:
        yield Problem("sms_text", _("Write the SMS, or remove its sender."))


def _link_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    url = campaign.button_url
    if not url:
        return
    if web_addresses.has_credentials(url):
        yield Problem("button_url", _("A link must not carry a user name or a password."))
    authority = url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]
    if CompiledText(authority).tags:
        yield Problem(
            "button_url",
            _("A merge tag can't be part of the host name: put it after the first slash."),
        )
        return
    filled = template.button_url.fill_partially(dict.fromkeys(template.names, "x"))
    host = web_addresses.host_of(filled)
    if not host or not web_addresses.punycode(host):
        yield Problem(
            "button_url",
            _("This is not a web address. It should look like https://example.com/offer."),
        )
    elif web_addresses.is_private(host) and not web_addresses.gateway_is_local():
        yield Problem(
            "button_url", _("Nobody outside your network can open %(host)s.") % {"host": host}
        )


def _picture_problems(campaign: Campaign) -> Iterator[Problem]:
    # the contract knows more of them
    if campaign.image_url and not campaign.image_url.endswith(SHOWN_ENDINGS):
        words = _("Viber shows JPEG and PNG: the address of a picture ends in .jpg, .jpeg or .png.")
        yield Problem("image_url", words)
    if (campaign.image or campaign.image_url) and not is_picture_reachable(campaign):
        yield Problem(
            "image_url",
            _(
                "The gateway can't fetch this picture: it needs a public address. "
                "An administrator sets PUBLIC_BASE_URL for uploaded pictures."
            ),
        )


def _sms_problems(template: CompiledMessage) -> Iterator[Problem]:
    if template.sms_text.tags:
        return
    taken = measure_sms(template.sms_text.fill_partially({}))
    if taken.encoding == GSM_7 and (words := _too_many_units(taken.units)):
        yield Problem("sms_text", words)


def _too_many_units(septets: int) -> str:
    if septets <= limits.SMS_TEXT_MAX:
        return ""
    return _(
        "The SMS takes %(units)d units; 765 fit (5 parts). Characters such as € or { take two."
    ) % {"units": septets}


def time_problems(campaign: Campaign) -> list[Problem]:
    """What is wrong with when it should go out."""
    if campaign.timing == Timing.NOW:
        return []
    if campaign.scheduled_at is None:
        return [Problem("scheduled_at", _("Say when it should go out."))]
    now = timezone.now()
    if campaign.scheduled_at <= now:
        if campaign.timing == Timing.LOCAL:
            return [
                Problem(
                    "scheduled_at",
                    _("By the clocks of some of the recipients this time has passed."),
                )
            ]
        return [Problem("scheduled_at", _("This time has passed."))]
    if campaign.scheduled_at > now + FARTHEST:
        return [Problem("scheduled_at", _("This is more than a year away."))]
    return []


def ends_problem(start: time | None, end: time | None) -> Problem | None:
    """What is wrong with sending hours: both ends or neither, the later one after the earlier."""
    if bool(start) != bool(end):
        return Problem("sends_until" if start else "sends_from", _("Say both, or neither."))
    if start and end and start >= end:
        return Problem("sends_until", _("This should be later than “Not before”."))
    return None


def hours_problems(campaign: Campaign, audience: Audience) -> list[Problem]:
    """Countries on the lists where it would never be sent, or where the gateway would send at
    night.

    What is handed over is sent by the gateway at its time: nobody waits there, so the time has to
    suit everybody.
    """
    hours, at = campaign.sending_hours, campaign.scheduled_at
    if hours is None:
        return []
    handed_over = campaign.timing == Timing.GATEWAY and at is not None
    moment = at if handed_over and at else timezone.now()
    shut = [
        place.country for place in places(audience) if not _suits(hours, place, moment, handed_over)
    ]
    if not shut:
        return []
    named = ", ".join(countries.name(code) or _("a country not known") for code in shut[:NAMED])
    if handed_over:
        words = _("At that time it is not between %(hours)s everywhere in: %(countries)s.")
        return [Problem("scheduled_at", words % {"hours": hours, "countries": named})]
    words = _("It is never between %(hours)s in all of: %(countries)s. Make the hours longer.")
    return [Problem("sends_until", words % {"hours": hours, "countries": named})]


def places(audience: Audience) -> list[Place]:
    """The countries of the lists, as their imports counted them; of people chosen otherwise,
    counted now.
    """
    if not audience.has_only_lists:
        return [Place(country) for country in sorted(audience.by_country())]
    lists = audience.possible_lists().values_list("countries", flat=True)
    return [Place(country) for country in sorted({country for found in lists for country in found})]


def _suits(hours: SendingHours, place: Place, moment: datetime, handed_over: bool) -> bool:
    if handed_over:
        return hours.is_open(place, moment)
    return place.country in COUNTRIES_BY_AREA or hours.next_opening(place, moment) is not None


def audience_problems(measured: MessageLengths) -> list[Problem]:
    """What the lists can't give to the merge tags, and who would get a text too long."""
    unknown = list(_unknown_tags(measured.template, _known_fields(measured.audience)))
    if unknown:
        return unknown
    return [*_missing_values(measured), *_length_problems(measured)]


def _known_fields(audience: Audience) -> set[str]:
    lists = audience.possible_lists().values_list("fields", flat=True)
    return {name for fields in lists for name in fields}


def _unknown_tags(template: CompiledMessage, known: set[str]) -> Iterator[Problem]:
    for field in MERGED:
        for name in sorted(getattr(template, field).names - known):
            yield Problem(field, unknown_tag_words(name, known))


def unknown_tag_words(name: str, known: set[str]) -> str:
    """What to say of a tag that no chosen list has."""
    if near := get_close_matches(name, known, n=1, cutoff=0.6):
        return _("The chosen lists have no column {%(name)s}. Did you mean {%(near)s}?") % {
            "name": name,
            "near": near[0],
        }
    if not known:
        return _(
            "The chosen lists have no column {%(name)s}, nor any other column than the phone."
        ) % {"name": name}
    return _("The chosen lists have no column {%(name)s}. They have: %(known)s.") % {
        "name": name,
        "known": ", ".join(f"{{{field}}}" for field in sorted(known)),
    }


def _missing_values(measured: MessageLengths) -> Iterator[Problem]:
    for name, people in measured.missing.items():
        field = next(
            field
            for field in MERGED
            if any(
                tag.name == name and tag.fallback is None
                for tag in getattr(measured.template, field).tags
            )
        )
        yield Problem(field, _missing_words(name, people))


def _missing_words(name: str, people: int) -> str:
    return ngettext(
        "%(people)s person has no {%(name)s}. Give them a word instead, as in {%(name)s|friend}.",
        "%(people)s people have no {%(name)s}. Give them a word instead, as in {%(name)s|friend}.",
        people,
    ) % {"people": number_format(people, force_grouping=True), "name": name}


def _length_problems(measured: MessageLengths) -> Iterator[Problem]:
    template = measured.template
    if template.text.tags and measured.text:
        yield from _text_lengths(measured.text)
    if template.button_url.tags:
        yield from _link_lengths(
            message_lengths.longest_link_length(measured.audience, template.button_url)
        )
    if template.sms_text.tags and measured.sms_text:
        yield from _sms_lengths(measured, measured.sms_text)


def _text_lengths(found: LengthRange) -> Iterator[Problem]:
    if found.longest > limits.TEXT_MAX:
        yield Problem(
            "text",
            _(
                "For the person with the longest values the text has %(length)d characters; 1000"
                " fit."
            )
            % {"length": found.longest},
        )
    elif found.shortest == 0:
        yield Problem("text", _("For somebody who lacks the values the text is empty."))


def _link_lengths(longest: int) -> Iterator[Problem]:
    if longest > limits.URL_MAX:
        yield Problem(
            "button_url",
            _("With the longest value the link has %(length)d characters; 255 fit.")
            % {"length": longest},
        )


def _sms_lengths(measured: MessageLengths, found: LengthRange) -> Iterator[Problem]:
    if found.shortest == 0:
        yield Problem("sms_text", _("For somebody who lacks the values the SMS is empty."))
    elif found.longest > limits.SMS_TEXT_MAX:
        yield Problem(
            "sms_text",
            _("For the person with the longest values the SMS has %(length)d characters; 765 fit.")
            % {"length": found.longest},
        )
    elif found.longest * 2 > limits.SMS_TEXT_MAX and (
        words := _too_many_units(measured.sms.longest_gsm)
    ):
        yield Problem("sms_text", words)
