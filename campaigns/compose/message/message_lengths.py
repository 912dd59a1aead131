"""The lengths of a message: of a text over an audience, and of an SMS in parts."""

from collections import Counter
from dataclasses import dataclass, field

from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.sms import GSM_7, SmsLength, measure_sms


@dataclass(frozen=True, slots=True)
class LengthRange:
    """The shortest and the longest length of a text over an audience, in characters."""

    shortest: int
    longest: int


NO_SMS = SmsLength("", 0, 0)


@dataclass(slots=True)
class SmsPartCounts:
    """The recipients of an SMS by country and number of parts, and the longest text."""

    recipients: Counter[tuple[str, int]] = field(default_factory=Counter)
    largest: SmsLength = NO_SMS
    longest_gsm: int = 0  # septets of the longest text in GSM-7

    def add(self, text: str, country: str, recipients: int) -> bool:
        """Add a number of `recipients` in `country` who get `text`; whether it is the longest."""
        length = measure_sms(text)
        self.recipients[country, length.parts] += recipients
        if length.encoding == GSM_7:
            self.longest_gsm = max(self.longest_gsm, length.units)
        if (length.parts, length.units) <= (self.largest.parts, self.largest.units):
            return False
        self.largest = length
        return True

    def by_parts(self) -> dict[int, int]:
        """Number of parts -> recipients, the fewest parts first."""
        recipients_by_parts: Counter[int] = Counter()
        for (_country, parts), recipients in self.recipients.items():
            recipients_by_parts[parts] += recipients
        return dict(sorted(recipients_by_parts.items()))


def fallback_length(template: CompiledText, fallback: str) -> int:
    """The number of characters of a fallback value in `template`."""
    return len(template.encode(fallback) if template.encode else fallback)
