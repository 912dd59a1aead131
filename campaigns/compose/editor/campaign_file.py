"""A campaign as a JSON file says it, through the same form as the page.

The fields are `name, sender, text, image_url, button_caption, button_url, sms_sender, sms_text,
promotional, validity, tariff, lists, exclude_lists, segments, exclude_segments, campaigns,
exclude_campaigns, scheduled_at, local_at, budget, sending_hours, rate`; null or absent is the
default. Lists and segments go by their names, earlier campaigns by their numbers: 12 is everybody
it was for, {"campaign": 12, "outcome": "read"} are some of them. `scheduled_at` is ISO 8601 with an
offset, and the campaign is sent by us at that time; `local_at` instead is a time without one, by
the clock of each recipient. `sending_hours` is "09:00-21:00" by that clock too; null or absent is
any hour, as a program that makes campaigns chose its moment. `rate` is recipients a second.
"""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.models import RecipientOutcome, Segment, Timing
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.contacts.models import ContactList

TEXTS = (
    "name",
    "sender",
    "text",
    "image_url",
    "button_caption",
    "button_url",
    "sms_sender",
    "sms_text",
)
NAMED: dict[str, type[ContactList | Segment]] = {
    "lists": ContactList,
    "exclude_lists": ContactList,
    "segments": Segment,
    "exclude_segments": Segment,
}


class NotUsable(ValueError):  # noqa: N818 - said to a person
    """What is wrong with the file, in one line."""


def read(path: str) -> dict[str, Any]:
    """The object in the JSON file at `path`. Raises NotUsable."""
    try:
        found = json.loads(Path(path).read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise NotUsable(
            _("%(path)s can't be read: %(why)s") % {"path": path, "why": error.strerror}
        ) from error
    except (ValueError, RecursionError) as error:
        raise NotUsable(
            _("%(path)s is not JSON: %(why)s") % {"path": path, "why": error}
        ) from error
    if not isinstance(found, dict):
        raise NotUsable(_("%(path)s should hold one object, {…}.") % {"path": path})
    return found


def form_of(said: dict[str, Any]) -> CampaignForm:
    """The form filled in with what a file says. Raises NotUsable for what no form could hold."""
    if unknown := sorted(said.keys() - READERS.keys()):
        raise NotUsable(_("unknown field: %(names)s") % {"names": ", ".join(unknown)})
    if said.get("scheduled_at") is not None and said.get("local_at") is not None:
        raise NotUsable(_("scheduled_at and local_at: say one of them."))
    data: dict[str, Any] = {"timing": Timing.NOW}
    for field, value in said.items():
        if value is not None:
            data |= READERS[field](field, value)
    return CampaignForm(data)


def complaint(form: CampaignForm) -> str:
    """What is wrong with an invalid form, in one line: each field with its words."""
    return " ".join(
        f"{field}: {' '.join(str(words) for words in errors)}"
        for field, errors in form.errors.items()
    ).replace("\n", " ")


def _wrong(field: str, expected: str) -> NotUsable:
    return NotUsable(
        _("%(field)s should be %(expected)s.") % {"field": field, "expected": expected}
    )


def _text(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise _wrong(field, _("a text"))
    return {field: value}


def _number(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong(field, _("a whole number"))
    return {field: str(value)}


def _amount(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise _wrong(field, _("an amount, such as 12.50"))
    return {field: str(value)}


def _flag(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _wrong(field, _("true or false"))
    return {field: str(value)}


def _named(field: str, value: Any) -> dict[str, Any]:
    model = NAMED[field]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong(
            field,
            _("the names of %(things)s, in brackets") % {"things": model._meta.verbose_name_plural},
        )
    known = dict(model._default_manager.filter(name__in=value).values_list("name", "pk"))
    if missing := [name for name in value if name not in known]:
        words = _("%(field)s: there is no %(thing)s “%(names)s”.")
        raise NotUsable(
            words
            % {"field": field, "thing": model._meta.verbose_name, "names": "”, “".join(missing)}
        )
    return {field: [known[name] for name in value]}


def _earlier(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        raise _wrong(field, _("campaigns, in brackets"))
    return {field: [_campaign(field, one) for one in value]}


def _campaign(field: str, said: Any) -> str:
    found = said if isinstance(said, dict) else {"campaign": said}
    number, outcome = found.get("campaign"), found.get("outcome", RecipientOutcome.ALL)
    known = found.keys() <= {"campaign", "outcome"} and outcome in RecipientOutcome.values
    if not known or isinstance(number, bool) or not isinstance(number, int):
        raise _wrong(field, _("12, or {“campaign”: 12, “outcome”: “read”}, in brackets"))
    return f"{number}:{outcome}"


def _time(field: str, value: Any) -> dict[str, Any]:
    at = _read_time(value)
    if at is None or at.tzinfo is None:
        raise _wrong(field, _("a time with an offset, such as 2030-01-31T09:00:00+02:00"))
    return {"scheduled_at": value, "timing": Timing.AT}


def _local_time(field: str, value: Any) -> dict[str, Any]:
    at = _read_time(value)
    if at is None or at.tzinfo is not None:
        raise _wrong(field, _("a time without an offset, such as 2030-01-31T09:00"))
    return {"scheduled_at": value, "timing": Timing.LOCAL}


def _read_time(value: Any) -> datetime | None:
    try:
        return parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _hours(field: str, value: Any) -> dict[str, Any]:
    try:
        hours = SendingHours.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _wrong(
            field, _("hours of one day, such as 09:00-21:00, or null for any hour")
        ) from error
    return {"sends_from": f"{hours.start:%H:%M}", "sends_until": f"{hours.end:%H:%M}"}


READERS: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(NAMED, _named),
    "campaigns": _earlier,
    "exclude_campaigns": _earlier,
    "promotional": _flag,
    "validity": _number,
    "tariff": _number,
    "scheduled_at": _time,
    "local_at": _local_time,
    "budget": _amount,
    "sending_hours": _hours,
    "rate": _number,
}
