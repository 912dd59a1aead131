"""The lines that say what was guessed about a file, before it is imported."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.consent.imported_consents import ConsentOutcome
from campaigns.contacts.field_types.shown_values import for_reader, in_words
from campaigns.contacts.field_types.value_formats import ValueFormat, as_date
from campaigns.contacts.importing.reading.cell_values import NO_VALUE
from campaigns.contacts.models import FieldType, Import
from campaigns.contacts.phones.guesses import Guess

BINARY = ("xls", "xlsb")  # the library tells nothing of their rows but the cells


class Note(NamedTuple):
    """What was guessed, and examples or what to do if it is wrong."""

    text: str
    more: str = ""


def layout_notes(contact_import: Import) -> list[Note]:
    """How the file is read, as far as that is not certain or leaves something out."""
    mapping = contact_import.mapping
    notes = []
    if skipped := mapping.get("skip_rows", 0):
        text = _("The table begins in row %(row)d. The rows above it are not imported.")
        notes.append(Note(text % {"row": skipped + 1}))
    if close := mapping.get("close_encodings"):
        text = _("The encoding is not certain: it may also be %(names)s.")
        more = _("Check the names below. If they are wrong, choose another encoding.")
        notes.append(Note(text % {"names": ", ".join(map(str.upper, close))}, more))
    if (lines := mapping.get("other_lines")) and (other := mapping.get("other_encoding")):
        text = ngettext(
            "%(count)d line is not in the encoding of the others. It is read as %(name)s.",
            "%(count)d lines are not in the encoding of the others. They are read as %(name)s.",
            lines,
        )
        notes.append(Note(text % {"count": lines, "name": other.upper()}))
    if hidden := mapping.get("hidden_rows"):
        text = ngettext(
            "%(count)d row of the sheet is hidden. It is imported like the others.",
            "%(count)d rows of the sheet are hidden. They are imported like the others.",
            hidden,
        )
        more = _("To exclude hidden rows, delete them in the spreadsheet and upload it again.")
        notes.append(Note(text % {"count": hidden}, more))
    return notes + _spreadsheet_notes(mapping.get("kind", ""), mapping.get("formatted", 0))


def _spreadsheet_notes(kind: str, formatted: int) -> list[Note]:
    """What is not read as the sheet shows it, or can't be told."""
    notes = []
    if formatted:
        text = ngettext(
            "%(count)d number is shown with a format. It is imported without it: 15%% becomes 0.15,"
            " 1,234.50 € becomes 1234.5.",
            "%(count)d numbers are shown with a format. They are imported without it: 15%% becomes"
            " 0.15, 1,234.50 € becomes 1234.5.",
            formatted,
        )
        more = _("To keep what the sheet shows, save the sheet as CSV and upload that.")
        notes.append(Note(text % {"count": formatted}, more))
    if kind in BINARY:
        text = _("In this kind of file, hidden rows and formats of numbers can't be recognised.")
        more = _("All rows are imported, and numbers without their format: 15% becomes 0.15.")
        notes.append(Note(text, more))
    return notes


def check_notes(contact_import: Import) -> list[Note]:
    """The notes of the layout, and what was guessed in cells; before the import with examples."""
    guessed = contact_import.checked.get("guessed", {})
    notes = [_cell_note(guess, **facts) for guess, facts in sorted(guessed.items())]
    columns = contact_import.checked.get("typed", ())
    types = [note for column in columns for note in _type_notes(column)]
    return [*layout_notes(contact_import), *notes, *types]


def _cell_note(guess: str, count: int, examples: list[list[str]]) -> Note:
    texts = {
        Guess.OLDER_FORM.value: ngettext(
            "%(count)d number in an older or domestic form was read in its current form.",
            "%(count)d numbers in older or domestic forms were read in their current form.",
            count,
        ),
        Guess.FIRST_OF_SEVERAL.value: ngettext(
            "%(count)d cell has several numbers. The first valid one is used.",
            "%(count)d cells have several numbers. The first valid one of each is used.",
            count,
        ),
        NO_VALUE: ngettext(
            "%(count)d cell stands for no value. The fallback value will be used.",
            "%(count)d cells stand for no value. The fallback values will be used.",
            count,
        ),
    }
    return Note(texts[guess] % {"count": count}, _examples(examples))


def _examples(examples: list[Any]) -> str:
    if not examples:
        return ""
    shown = [f"{text} → {value}" if value else text for text, value in examples]
    return _("Examples: %(examples)s.") % {"examples": " · ".join(shown)}


def _type_notes(column: dict[str, Any]) -> list[Note]:
    """How the values of a column with a type are read, and which are not of the type."""
    name, value_format = column["name"], ValueFormat(column["format"])
    text = _("“%(name)s” is read as: %(format)s.") % {"name": name, "format": value_format.label}
    if column["is_open"]:
        text = f"{text} {_('If day and month are exchanged below, choose the other order.')}"
    examples = [[value, _in_words(normal, value_format)] for value, normal in column["examples"]]
    notes = [Note(text, _examples(examples))]
    if unread := column["unread"]:
        text = unread_text(name, value_format.type, unread)
        notes.append(Note(text, _examples([[value, ""] for value in column["unread_examples"]])))
    return notes


def consent_counts(counts: Mapping[str, int] | None, *, will_be: bool) -> list[tuple[str, int]]:
    """What becomes, or became, of the consents in a file: words and number. Empty if the import
    writes none.
    """
    if counts is None:
        return []
    always = (ConsentOutcome.GIVEN, ConsentOutcome.WITHDRAWN)
    words = CONSENTS_TO_BE if will_be else CONSENTS
    return [
        (str(words[outcome]), counts.get(outcome, 0))
        for outcome in ConsentOutcome
        if outcome in always or counts.get(outcome)
    ]


def unread_text(name: str, field_type: FieldType, count: int) -> str:
    """How many values of a field are not of its type."""
    return UNREAD[field_type](count) % {"count": count, "name": name}


def _in_words(normal: str, value_format: ValueFormat) -> str:
    """A value that was read, so that day and month cannot be confused."""
    if value_format.type == FieldType.DATE and (day := as_date(normal)):
        return in_words(day)
    return for_reader(normal, value_format.type)


CONSENTS: dict[ConsentOutcome, str | Promise] = {
    ConsentOutcome.GIVEN: gettext_lazy("Consent recorded"),
    ConsentOutcome.WITHDRAWN: gettext_lazy("Withdrawal recorded, phone on the stop list"),
    ConsentOutcome.UNCHANGED: gettext_lazy("Known already"),
    ConsentOutcome.OLDER: gettext_lazy("Left as it is: something newer is known"),
    ConsentOutcome.KEPT_WITHDRAWN: gettext_lazy(
        "Withdrew their consent earlier; this was left as it is"
    ),
    ConsentOutcome.UNREAD: gettext_lazy("Not readable, imported without it: see rejected rows"),
}
CONSENTS_TO_BE: dict[ConsentOutcome, str | Promise] = {
    **CONSENTS,
    ConsentOutcome.GIVEN: gettext_lazy("Consent will be recorded"),
    ConsentOutcome.WITHDRAWN: gettext_lazy("Withdrawal will be recorded, phone to the stop list"),
    ConsentOutcome.OLDER: gettext_lazy("Will be left as it is: something newer is known"),
    ConsentOutcome.KEPT_WITHDRAWN: gettext_lazy(
        "Withdrew their consent earlier; this will be left as it is"
    ),
    ConsentOutcome.UNREAD: gettext_lazy("Not readable, will be imported without it"),
}
UNREAD: dict[FieldType, Callable[[int], str]] = {
    FieldType.NUMBER: lambda count: ngettext(
        "%(count)d value of “%(name)s” is not a number. It stays as it is.",
        "%(count)d values of “%(name)s” are not numbers. They stay as they are.",
        count,
    ),
    FieldType.DATE: lambda count: ngettext(
        "%(count)d value of “%(name)s” is not a date. It stays as it is.",
        "%(count)d values of “%(name)s” are not dates. They stay as they are.",
        count,
    ),
    FieldType.YES_NO: lambda count: ngettext(
        "%(count)d value of “%(name)s” is neither yes nor no. It stays as it is.",
        "%(count)d values of “%(name)s” are neither yes nor no. They stay as they are.",
        count,
    ),
}
