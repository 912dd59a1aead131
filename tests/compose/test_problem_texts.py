"""Each problem of a campaign stands at the field to change, and its text says what to do."""

from datetime import UTC, datetime, time, timedelta
from typing import cast

import pytest
import time_machine
from pytest_django import Settings

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import checks
from campaigns.compose.launch.problem import Problem
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.message_lengths import LengthRange, SmsPartCounts
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.models import Campaign, Sender, Timing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
LATER_TODAY = NOW + timedelta(hours=2)
TICK = timedelta(microseconds=1)
STRAY = (
    "“{a b}” is not a merge tag. Write {first_name} or {first_name|friend}, with letters, digits"
    " and underscores in the name. To show a brace, write {{ or }}."
)
TARIFF = "The tariff must be a number from 0 to 9."
NO_TAGS_HERE = "Merge tags don't work here. Write plain text."
NO_PUBLIC_PICTURE = (
    "BSG can't fetch this image: it needs a public address. For uploaded images, an administrator"
    " has to set PUBLIC_BASE_URL."
)
NO_ADDRESS = "Enter a web address such as https://example.com/offer."
HOST_TAG = "Move the merge tag behind the host name: https://example.com/{city}."
NO_USER = "Remove the user name and password from the link."
SEPTETS = (
    "Shorten the SMS: it has 766 characters, but only 765 fit (5 parts). Characters such as € or {"
    " count as two."
)
BUTTON = {"button_caption": "Buy"}
SMS = {"sms_sender": "Shop"}


def campaign(**fields: object) -> Campaign:
    """Not saved: none of these checks reads the database."""
    return Campaign(**{"text": "Hello", "sender": Sender(name="Shop"), **fields})


def texts(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.field, str(problem.message)) for problem in problems]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"text": "Hi {a b} {c d}"}, [("text", STRAY)]),
        ({**BUTTON, "button_url": "https://a.example.com/{a b}"}, [("button_url", STRAY)]),
        ({**SMS, "sms_text": "Hi {a b}"}, [("sms_text", STRAY)]),
        ({**SMS, "sms_sender": "{name}", "sms_text": "Hi"}, [("sms_sender", NO_TAGS_HERE)]),
        (
            {"button_caption": "{name}", "button_url": "https://a.example.com/"},
            [("button_caption", NO_TAGS_HERE)],
        ),
        (
            {**BUTTON, "button_url": "https://a.example.com/", "image_url": "https://a.example.com/a.gif"},
            [("image_url", "Use a JPEG or PNG image: its address ends in .jpg, .jpeg or .png.")],
        ),
        (
            {**BUTTON, "button_url": "https://a.example.com/", "image_url": "https://10.0.0.1/a.jpeg"},
            [("image_url", NO_PUBLIC_PICTURE)],
        ),
        ({"tariff": 10}, [("tariff", TARIFF)]),
        ({**SMS}, [("sms_text", "Write the SMS text or remove the SMS sender.")]),
        ({**SMS, "sms_text": "a" * 765}, []),
        ({**SMS, "sms_text": "a" * 764 + "€"}, [("sms_text", SEPTETS)]),
        ({**SMS, "sms_text": "я" * 765}, []),  # in UCS-2 characters count, not septets
        ({**SMS, "sms_text": "€" * 764 + "{city}"}, []),  # measured with the audience's values
        ({**BUTTON, "button_url": "https://u:p@a.example.com/"}, [("button_url", NO_USER)]),
        ({**BUTTON, "button_url": "https://a.example.com/u@b"}, []),
        ({**BUTTON, "button_url": "https://{city}.example.com/"}, [("button_url", HOST_TAG)]),
        (
            {**BUTTON, "button_url": "https://{city}.example.com?to=https://b/"},
            [("button_url", HOST_TAG)],
        ),
        ({**BUTTON, "button_url": "https://a.example.com/{city}/b"}, []),
        ({**BUTTON, "button_url": "https://a.example.com?c={city}?d"}, []),
        ({**BUTTON, "button_url": "https://a.example.com?c={city}"}, []),
        ({**BUTTON, "button_url": "https://a.example.com?to=https://b/{city}"}, []),
        ({**BUTTON, "button_url": "https://a.example.com/?to=/{city}"}, []),
        ({**BUTTON, "button_url": "https://bad..example.com/"}, [("button_url", NO_ADDRESS)]),
        (
            {**BUTTON, "button_url": "https://intranet/"},
            [("button_url", "Use a public address: recipients can't open intranet.")],
        ),
    ],
)  # fmt: skip
def test_problem_of_the_message(
    settings: Settings, fields: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    settings.BSG_API_URL, settings.PUBLIC_BASE_URL = "https://api.bsg.world/rest", ""
    assert texts(checks.message_problems(campaign(**fields))) == expected


def test_first_problem_of_a_field_is_shown() -> None:
    broken = campaign(text="{a b}" + "x" * 1001, tariff=10, validity=14)
    assert [field for field, _text in texts(checks.message_problems(broken))] == [
        "tariff", "validity", "text"
    ]  # fmt: skip
    assert texts(checks.message_problems(broken))[-1] == ("text", STRAY)


PASSED, LATER = "Choose a time in the future.", "Choose a time within the next year."
PASSED_THERE = "This time has already passed where some recipients are."


@pytest.mark.parametrize(
    ("timing", "at", "text"),
    [
        (Timing.NOW, None, ""),
        (Timing.NOW, NOW - TICK, ""),
        (Timing.AT, None, "Choose a date and time."),
        (Timing.AT, NOW - TICK, PASSED),
        (Timing.GATEWAY, NOW, PASSED),
        (Timing.LOCAL, NOW, PASSED_THERE),
        (Timing.LOCAL, NOW + TICK, ""),
        (Timing.AT, NOW + TICK, ""),
        (Timing.AT, NOW + timedelta(days=366), ""),
        (Timing.AT, NOW + timedelta(days=366) + TICK, LATER),
    ],
)
def test_problem_of_the_time(timing: Timing, at: datetime | None, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        problems = checks.time_problems(campaign(timing=timing, scheduled_at=at))
    assert texts(problems) == ([("scheduled_at", text)] if text else [])


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (None, None, None),
        (time(9), time(9, 1), None),
        (time(9), None, ("sends_until", "Fill in both times or neither.")),
        (None, time(9), ("sends_from", "Fill in both times or neither.")),
        (time(9), time(9), ("sends_until", "Choose a time later than “Not before”.")),
        (time(9), time(8), ("sends_until", "Choose a time later than “Not before”.")),
    ],
)
def test_problem_of_sending_hours(
    start: time | None, end: time | None, problem: tuple[str, str] | None
) -> None:
    found = checks.ends_problem(start, end)
    assert texts([found] if found else []) == ([problem] if problem else [])


NEVER = "Make the sending hours longer: {} never applies in all time zones of {}."
OUTSIDE = "This time is outside the sending hours {} in: {}."
FIVE = "Germany, Spain, France, Italy, Poland"


@pytest.mark.parametrize(
    ("timing", "at", "hours", "countries", "problem"),
    [
        (Timing.NOW, None, (None, None), ["UA"], None),
        (Timing.NOW, None, (3, 4), ["UA"], None),  # they come in the night
        (
            Timing.NOW, None, (9, 10), ["US", "CA", "RU"],
            ("sends_until", NEVER.format("09:00-10:00", "Russia")),
        ),
        (Timing.AT, NOW, (9, 10), ["RU"], ("sends_until", NEVER.format("09:00-10:00", "Russia"))),
        (Timing.GATEWAY, None, (9, 10), ["UA"], None),
        (Timing.GATEWAY, LATER_TODAY, (15, 17), ["UA"], None),  # 16:00 in Kyiv
        (
            Timing.GATEWAY, LATER_TODAY, (17, 19), ["UA", "PL", "GE"],
            ("scheduled_at", OUTSIDE.format("17:00-19:00", "Poland, Ukraine")),
        ),
        (
            Timing.GATEWAY, LATER_TODAY, (9, 10), ["UA", "PL", "DE", "FR", "ES", "IT"],
            ("scheduled_at", OUTSIDE.format("09:00-10:00", FIVE)),
        ),
        (
            Timing.GATEWAY, LATER_TODAY, (9, 10), [""],
            ("scheduled_at", OUTSIDE.format("09:00-10:00", "unknown country")),
        ),
    ],
)  # fmt: skip
def test_countries_whose_sending_hours_do_not_come(
    timing: Timing,
    at: datetime | None,
    hours: tuple[int | None, int | None],
    countries: list[str],
    problem: tuple[str, str] | None,
) -> None:
    start, end = (None if hour is None else time(hour) for hour in hours)
    checked = campaign(timing=timing, scheduled_at=at, sends_from=start, sends_until=end)
    with time_machine.travel(NOW, tick=False):
        problems = checks.hours_problems(checked, Audience(segments=(1,)), countries)
    assert texts(problems) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"first_name", "first_names"}, ". Did you mean {first_name}?"),
        (set(), ": they contain phones only."),
        ({"city", "age"}, ". They have: {age}, {city}."),
    ],
)
def test_merge_tag_without_a_column(known: set[str], text: str) -> None:
    message = f"The chosen lists have no column {{firstname}}{text}"
    assert checks.unknown_tag_message("firstname", known) == message


MISSING = "{} no {{city}}. Add a fallback value, as in {{city|friend}}."
LONG_TEXT = "Shorten the text: with the longest values it has 1001 characters, but only 1000 fit."
LONG_LINK = "Shorten the link: with the longest value it has 256 characters, but only 255 fit."
LONG_SMS = "Shorten the SMS: with the longest values it has 766 characters, but only 765 fit."
NO_TEXT, NO_SMS = (f"The {it} is empty for contacts without values." for it in ("text", "SMS"))


@pytest.mark.parametrize(
    ("ranges", "problems"),
    [
        ({"text": (1, 1000), "link": 255, "sms": (1, 765), "septets": 765}, []),
        ({"text": (0, 1000), "sms": (0, 766)}, [("text", NO_TEXT), ("sms_text", NO_SMS)]),
        ({"text": (0, 1001), "link": 256}, [("text", LONG_TEXT), ("button_url", LONG_LINK)]),
        ({"sms": (1, 766), "septets": 800}, [("sms_text", LONG_SMS)]),
        ({"sms": (1, 383), "septets": 766}, [("sms_text", SEPTETS)]),
        ({"missing": 1}, [("text", MISSING.format("1 contact has"))]),
        ({"missing": 1234}, [("text", MISSING.format("1,234 contacts have"))]),
    ],
)
def test_values_of_the_audience_make_a_text_too_long_or_empty(
    monkeypatch: pytest.MonkeyPatch,
    ranges: dict[str, object],
    problems: list[tuple[str, str]],
) -> None:
    class Measured:
        """Counts that the database would have given."""

        template = CompiledMessage("{city}", "https://a.example.com/{city|x}", "{city|x}")
        audience = None
        missing = {"city": ranges["missing"]} if "missing" in ranges else {}
        text = LengthRange(*cast(tuple[int, int], ranges.get("text", (1, 1))))
        sms_text = LengthRange(*cast(tuple[int, int], ranges.get("sms", (1, 1))))
        link = LengthRange(1, cast(int, ranges["link"])) if "link" in ranges else None
        sms = SmsPartCounts(longest_gsm=cast(int, ranges.get("septets", 1)))

    monkeypatch.setattr(checks, "known_fields", lambda audience: {"city"})
    assert texts(checks.audience_problems(cast(MeasuredAudience, Measured()))) == problems


def test_value_is_missing_where_its_own_tag_has_no_fallback() -> None:
    class Measured:
        template = CompiledMessage("{age} {city|there}", "https://a.example.com/{city}", "{city}")
        missing = {"city": 2, "age": 1}

    problems = list(checks._missing_values(cast(MeasuredAudience, Measured())))
    assert texts(problems) == [
        ("button_url", MISSING.format("2 contacts have")),
        ("text", MISSING.format("1 contact has").replace("city", "age")),
    ]
