"""What a detection returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong now.

    `object`: what it is about, "" where there is only one; of a machine's kinds it begins with its
    name and a colon. `detail`: texts and whole numbers, without phones, the same as long as nothing
    changes. `starts` False: it keeps an alert open, and opens none, so that a figure at its limit
    does not start and end one again and again.
    """

    object: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)
    brand_id: int | None = None
    starts: bool = True
