"""One thing that forbids a launch, or that is worth a second thought."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem or a warning. `field` is the form field to change ("" for the campaign as a whole);
    `message` says what to do.
    """

    field: str
    message: str | Promise
