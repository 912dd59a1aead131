"""Reads the consents in a file: who agreed or withdrew, when, how and to what."""

import re
from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext as _

from campaigns.contacts.consent.imported_consents import ImportedConsent
from campaigns.contacts.consent.mapping import CONSENT, DAY, SOURCE, WORDING, ConsentMapping
from campaigns.contacts.consent.wordings import WORDING_MAX, clean
from campaigns.contacts.field_types.typed_columns import KEPT_VALUES
from campaigns.contacts.field_types.value_formats import (
    NO_WORDS,
    YES_WORDS,
    ValueFormat,
    read_value,
)
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Consent
from campaigns.contacts.phones.cell_texts import clean_value, without_null_word
from campaigns.contacts.phones.parsing import Reason
from campaigns.shared.days import site_today

SOURCE_MAX = 200  # characters
WORDINGS_MAX = 500  # different ones in a file: more are something else, such as names
TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d\d.*")
# also as exports write it
WORDS: dict[str, str] = {
    **dict.fromkeys(YES_WORDS, Consent.GIVEN),
    **dict.fromkeys(NO_WORDS, Consent.WITHDRAWN),
    Consent.GIVEN: Consent.GIVEN,
    Consent.WITHDRAWN: Consent.WITHDRAWN,
    Consent.UNKNOWN: "",
    "": "",
}


def date_text(cell: str) -> str:
    """The text of a date without the time of the day."""
    return TIME_OF_DAY.sub("", without_null_word(clean_value(cell)))


class ConsentReader:
    """Reads the columns of a mapping. Each different cell is read once, as most are repeated."""

    def __init__(self, mapping: ConsentMapping) -> None:
        self.mapping = mapping
        self._today = site_today().isoformat()
        self._read: dict[str, dict[str, str | None]] = {part: {} for part in mapping.columns}
        self._readers: dict[str, Callable[[str], str | None]] = {
            CONSENT: lambda text: WORDS.get(text.casefold()),
            DAY: self._day,
            SOURCE: lambda text: text[:SOURCE_MAX],
        }

    def read(
        self, msisdns: Sequence[str], cells: Mapping[str, Sequence[str]]
    ) -> tuple[list[ImportedConsent], dict[int, Reason]]:
        """The consents of some rows, and why others can't be read, by their places. Rows that say
        nothing are in neither. `cells`: those of each mapped column.

        Raises ContactsError if the column of wordings has too many different texts, or too long
        ones.
        """
        mapping, count = self.mapping, len(msisdns)
        consents = self._column(CONSENT, cells) or [str(Consent.GIVEN)] * count
        days = self._column(DAY, cells) or [mapping.day] * count
        sources = self._column(SOURCE, cells) or [mapping.source] * count
        wordings = self._column(WORDING, cells) or [mapping.wording] * count
        result, unread = [], {}
        rows = zip(msisdns, consents, days, sources, wordings, strict=True)
        for place, (msisdn, consent, day, source, wording) in enumerate(rows):
            if consent is None:
                unread[place] = Reason.CONSENT
            elif consent and day is None:
                unread[place] = Reason.CONSENT_DAY
            elif consent:
                agreed = (wording or mapping.wording) if consent == Consent.GIVEN else ""
                row = (consent, day or mapping.day, source or mapping.source, agreed)
                result.append(ImportedConsent(msisdn, *row))
        return result, unread

    def _column(self, part: str, cells: Mapping[str, Sequence[str]]) -> list[str | None]:
        """What a column says, None where it can't be read; empty if it is not mapped."""
        if part not in cells:
            return []
        read = self._read[part]
        if part != WORDING and len(read) > KEPT_VALUES:
            read.clear()
        for cell in set(cells[part]) - read.keys():
            read[cell] = self._wording(cell) if part == WORDING else self._text(part, cell)
        if part == WORDING and len(read) > WORDINGS_MAX:
            text = _("The column of wordings has more than %(most)d different texts.")
            raise ContactsError(text % {"most": WORDINGS_MAX})
        return [read[cell] for cell in cells[part]]

    def _text(self, part: str, cell: str) -> str | None:
        return self._readers[part](without_null_word(clean_value(cell)))

    def _wording(self, cell: str) -> str:
        if len(text := clean(without_null_word(cell.strip()))) > WORDING_MAX:
            message = _("The column of wordings has a text of more than %(most)d characters.")
            raise ContactsError(message % {"most": WORDING_MAX})
        return text

    def _day(self, text: str) -> str | None:
        if not text:
            return ""
        day = read_value(date_text(text), self.mapping.day_format or ValueFormat.DAY_FIRST)
        return day if day is not None and day <= self._today else None
