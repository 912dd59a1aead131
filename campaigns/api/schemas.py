"""What the schemas of all resources are made of."""

from typing import Annotated

import phonenumbers
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

ID_MAX = 2**63 - 1
NO_NUL = r"^[^\x00]*$"
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"

Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NOT_BLANK),
]


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
