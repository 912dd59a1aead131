"""What the schemas of all resources are made of."""

from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

ID_MAX = 2**63 - 1
NO_NUL = r"^[^\x00]*$"
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"

Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NOT_BLANK),
]


class Body(Schema):
    """What a request sends: a field that is not known is refused, as it may be a mistyped one."""

    model_config = ConfigDict(extra="forbid")
