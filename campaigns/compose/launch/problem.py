"""One thing that forbids a launch, or that is worth a second thought."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Replacement:
    """A part of a field's text as it is `written`, and what to replace it `by`."""

    written: str
    by: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem or a warning. `field` is the form field to change ("" for the campaign as a whole);
    `message` says what to do. `replacements` mend it, if the page can do so at a click.
    """

    field: str
    message: str | Promise
    replacements: tuple[Replacement, ...] = ()
