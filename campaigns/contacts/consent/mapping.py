"""Which consents an import writes: what the user said about the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from campaigns.contacts.field_types.value_formats import ValueFormat, as_date
from campaigns.shared.days import reader_today

CONSENT, DAY, SOURCE, WORDING = "consent", "day", "source", "wording"
PARTS = (CONSENT, DAY, SOURCE, WORDING)


@dataclass(frozen=True, slots=True)
class ConsentMapping:
    """`columns`: part of PARTS -> column from 0. Without one for CONSENT, everybody in the file
    agreed. `day` (ISO 8601), `source` and `wording` are those of rows without a value of their own.
    `day_format`: how the column of days is written; None: as its values suggest.
    """

    columns: dict[str, int] = field(default_factory=dict)
    day: str = ""
    source: str = ""
    wording: str = ""
    day_format: ValueFormat | None = None

    @property
    def is_of_everybody(self) -> bool:
        return CONSENT not in self.columns

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": self.columns,
            "day": self.day,
            "source": self.source,
            "wording": self.wording,
            "day_format": str(self.day_format or ""),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ConsentMapping":
        written = data["day_format"]
        return cls(**{**data, "day_format": ValueFormat(written) if written else None})

    def moved(self, places: Mapping[int, int]) -> "ConsentMapping":
        """The same for a file in which the columns stand in other places: before -> now."""
        return replace(self, columns={part: places[place] for part, place in self.columns.items()})

    def find_problems(self) -> Iterator[tuple[str, str]]:
        """What is missing or wrong in what a user chose: a part of PARTS, and what to do."""
        if not self.source and SOURCE not in self.columns:
            yield SOURCE, _("Enter how consent was given, or choose the column that says it.")
        if self.is_of_everybody and not self.day and DAY not in self.columns:
            yield DAY, _("Enter the day on which they agreed, or choose the column that says it.")
        day = as_date(self.day)
        if self.day and day is None:
            yield DAY, _("Enter the day as in 2026-11-30.")
        elif day and day > reader_today():
            yield DAY, _("This date is in the future.")
        if len(set(self.columns.values())) < len(self.columns):
            yield CONSENT, _("Choose a different column for each part.")
