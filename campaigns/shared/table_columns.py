"""The columns of an exported table: what their cells hold, whichever file they are written to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto

Cell = str | int | Decimal | datetime | date | None  # None is "not yet known", never zero
Rows = Iterable[Sequence[Cell]]


class Kind(Enum):
    """What the cells of a column hold where they are not empty.

    A column of DECIMAL or DAY may hold texts too, of values that are neither.
    """

    TEXT = auto()  # str; references and codes too, which a number would cut or round
    PHONE = auto()  # str of digits
    NUMBER = auto()  # int
    DECIMAL = auto()  # Decimal, written without zeros at the end
    MONEY = auto()  # Decimal, written as an amount
    TIME = auto()  # datetime, aware
    DAY = auto()  # date


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the name in the head, the kind of its cells."""

    name: str
    kind: Kind = Kind.TEXT
