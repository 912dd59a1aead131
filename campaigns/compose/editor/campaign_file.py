"""A campaign described by a JSON file, read through the form of the page.

The keys are the fields of `draft_fields` that name a `FileValue`, and `sending_hours`; null or
absent means the default. docs/commands.md explains each. Lists and segments go by name, earlier
campaigns by id: 12 is everybody it was for, {"campaign": 12, "outcome": "read"} some of them.
`scheduled_at` is ISO 8601 with an offset: ViberDash sends at that moment. `local_at` has no offset:
each recipient gets the message at that time of theirs. `sending_hours` is "09:00-21:00" in local
time; absent it means any hour, since a program chooses its own moment. `rate` is recipients per
second.
"""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import FIELDS, FileValue
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.message.variants import DIFFERING
from campaigns.compose.models import Campaign, RecipientOutcome, Timing
from campaigns.compose.schedule.sending_hours import SendingHours


class UnusableFile(ValueError):  # noqa: N818 - its text is for the user
    """What is wrong with the file, in one line."""


def read(path: str) -> dict[str, Any]:
    """The object in the JSON file at `path`. Raises UnusableFile."""
    try:
        content = json.loads(Path(path).read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise UnusableFile(
            _("Cannot read %(path)s: %(why)s") % {"path": path, "why": error.strerror}
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnusableFile(
            _("%(path)s is not JSON: %(why)s") % {"path": path, "why": error}
        ) from error
    if not isinstance(content, dict):
        raise UnusableFile(_("%(path)s must contain one object, {…}.") % {"path": path})
    return content


def form_of(content: dict[str, Any]) -> CampaignForm:
    """The form filled in from a file. Raises UnusableFile for what no form can hold."""
    if unknown := sorted(content.keys() - READERS.keys()):
        raise UnusableFile(_("unknown field: %(names)s") % {"names": ", ".join(unknown)})
    if content.get("scheduled_at") is not None and content.get("local_at") is not None:
        raise UnusableFile(_("Use either scheduled_at or local_at, not both."))
    data: dict[str, Any] = {"timing": Timing.NOW}
    for field, value in content.items():
        if value is not None:
            data |= READERS[field](field, value)
    return CampaignForm(data)


def error_line(form: CampaignForm) -> str:
    """The errors of an invalid form in one line, each after its field."""
    return " ".join(
        f"{field}: {' '.join(str(message) for message in messages)}"
        for field, messages in form.errors.items()
    ).replace("\n", " ")


def _unexpected(field: str, expected: str) -> UnusableFile:
    return UnusableFile(
        _("%(field)s must be %(expected)s.") % {"field": field, "expected": expected}
    )


def _text(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise _unexpected(field, _("a text"))
    return {field: value}


def _number(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _unexpected(field, _("a whole number"))
    return {field: str(value)}


def _amount(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise _unexpected(field, _("an amount, such as 12.50"))
    return {field: str(value)}


def _flag(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _unexpected(field, _("true or false"))
    return {field: str(value)}


def _texts(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _unexpected(field, _("an array of texts"))
    return {field: value}


def _names(field: str, value: Any) -> dict[str, Any]:
    model: Any = Campaign._meta.get_field(field).related_model
    options = model._meta
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _unexpected(
            field, _("an array of names of %(things)s") % {"things": options.verbose_name_plural}
        )
    if field == "lists" and not value:
        raise UnusableFile(_("lists: Name at least one list, or leave the field out."))
    ids = dict(model._default_manager.filter(name__in=value).values_list("name", "pk"))
    if missing := [name for name in value if name not in ids]:
        message = _("%(field)s: there is no %(thing)s “%(names)s”.")
        raise UnusableFile(
            message % {"field": field, "thing": options.verbose_name, "names": "”, “".join(missing)}
        )
    return {field: [ids[name] for name in value]}


def _campaigns(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        raise _unexpected(field, _("an array of campaigns"))
    return {field: [_campaign(field, choice) for choice in value]}


def _campaign(field: str, choice: Any) -> str:
    entry = choice if isinstance(choice, dict) else {"campaign": choice}
    number, outcome = entry.get("campaign"), entry.get("outcome", RecipientOutcome.ALL)
    is_known = entry.keys() <= {"campaign", "outcome"} and outcome in RecipientOutcome.values
    if not is_known or isinstance(number, bool) or not isinstance(number, int):
        raise _unexpected(field, _("an array of 12 or of {“campaign”: 12, “outcome”: “read”}"))
    return f"{number}:{outcome}"


def _variants(field: str, value: Any) -> dict[str, Any]:
    """Texts that are missing are empty, but for the image, which is that of A."""
    if not isinstance(value, list) or not all(isinstance(variant, dict) for variant in value):
        raise _unexpected(field, _("an array of objects"))
    known = ", ".join(DIFFERING)
    for variant in value:
        texts = variant.values()
        if not variant.keys() <= set(DIFFERING) or not all(isinstance(each, str) for each in texts):
            raise _unexpected(
                field, _("an array of objects with texts: %(names)s") % {"names": known}
            )
    return {field: value}


def _time(field: str, value: Any) -> dict[str, Any]:
    moment = _parse_time(value)
    if moment is None or moment.tzinfo is None:
        raise _unexpected(field, _("a time with an offset, such as 2030-01-31T09:00:00+02:00"))
    return {"scheduled_at": value, "timing": Timing.AT}


def _local_time(field: str, value: Any) -> dict[str, Any]:
    moment = _parse_time(value)
    if moment is None or moment.tzinfo is not None:
        raise _unexpected(field, _("a time without an offset, such as 2030-01-31T09:00"))
    return {"scheduled_at": value, "timing": Timing.LOCAL}


def _parse_time(value: Any) -> datetime | None:
    try:
        return parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _hours(field: str, value: Any) -> dict[str, Any]:
    try:
        hours = SendingHours.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _unexpected(
            field, _("hours within one day, such as 09:00-21:00, or null for any hour")
        ) from error
    return {"sends_from": f"{hours.start:%H:%M}", "sends_until": f"{hours.end:%H:%M}"}


READER_OF: dict[FileValue, Callable[[str, Any], dict[str, Any]]] = {
    FileValue.TEXT: _text,
    FileValue.NUMBER: _number,
    FileValue.AMOUNT: _amount,
    FileValue.FLAG: _flag,
    FileValue.TEXTS: _texts,
    FileValue.NAMES: _names,
    FileValue.CAMPAIGNS: _campaigns,
    FileValue.VARIANTS: _variants,
    FileValue.TIME: _time,
    FileValue.LOCAL_TIME: _local_time,
}
READERS = {field.name: READER_OF[field.in_file] for field in FIELDS if field.in_file} | {
    "sending_hours": _hours
}
