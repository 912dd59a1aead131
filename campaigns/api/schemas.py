"""What the schemas of all resources are made of."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import phonenumbers
from django.utils.dateparse import parse_datetime
from ninja import Path, Schema
from pydantic import AfterValidator, ConfigDict, Field, Strict, StringConstraints

from campaigns.shared.money import exact
from campaigns.shared.table_export import XLSX

ID_MAX = 2**63 - 1
NO_NUL = r"^[^\x00]*$"
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_XLSX = {XLSX: {"schema": {"type": "string", "format": "binary"}}}
# of operations that answer with a file
CSV_FILE = {"responses": {200: {"description": "CSV in UTF-8", "content": _CSV}}}
TABLE_FILE = {"responses": {200: {"description": "CSV in UTF-8, or XLSX", "content": _CSV | _XLSX}}}
FileKind = Annotated[Literal["csv", "xlsx"], Path()]
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"  # no `format`: RFC 3339 would need an offset
FIELDS_MAX, VALUE_MAX = 200, 1_000  # merge fields of a person; characters of a value
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"

Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Phone = Annotated[
    Text,
    Field(min_length=5, max_length=40, description="As people write it; best +380671234567."),
]
FieldValue = Annotated[Text, StringConstraints(max_length=VALUE_MAX)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NOT_BLANK),
]

# of bodies, where "7" is no number
StrictId = Annotated[int, Strict(), Field(ge=1, le=ID_MAX)]
Flag = Annotated[bool, Strict()]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Amount = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,11}(\.[0-9]{1,7})?$"),
    Field(description="Such as 12.50, in text, so that no digit is lost.", examples=["12.50"]),
]


def _moment(text: str) -> str:
    if text and read_moment(text) is None:
        raise ValueError("There is no such time.")
    return text


Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^((19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
        r"(Z|[+-][0-9]{2}:[0-9]{2}))?$"
    ),
    AfterValidator(_moment),
    Field(description="A time with an offset, such as 2030-01-31T09:00:00Z."),
]


def read_moment(text: str) -> datetime | None:
    """The time that a `Moment` names; None for "" and where there is none."""
    try:
        return parse_datetime(text)
    except ValueError:
        return None


class Money(Schema):
    """An amount of one currency."""

    amount: Annotated[str, Field(description="Exact: 0.0234567", examples=["12.50"])]
    currency: str


def money(amount: Decimal, currency: str) -> Money:
    """`amount` with all its digits."""
    return Money(amount=exact(amount), currency=currency)


def _require_country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("There are no phones of this country.")
    return code


Country = Annotated[
    str,
    Field(pattern="^[A-Z]{2}$", description="Of phones without a country code."),
    AfterValidator(_require_country),
]


class Body(Schema):
    """What a request sends: a field that is not known is refused, as it may be a mistyped one."""

    model_config = ConfigDict(extra="forbid")
