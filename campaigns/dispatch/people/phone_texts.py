"""A phone within texts, in any of the forms in which people write it."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from campaigns.contacts.phones import parsing

REPLACEMENT = "•••"
BETWEEN = re.escape(parsing.SPACES + parsing.HYPHENS + parsing.BRACKETS + parsing.INVISIBLE + "./")
CHUNK_BYTES = 1 << 20
# What may stand between the digits in a file of any encoding; not what separates its cells.
FORMATTING = b" ()[]-./+'\"\0" + bytes(range(128, 256))


class PhoneText:
    """Finds one phone in texts: with its country code, with a zero, or with neither."""

    def __init__(self, msisdn: str) -> None:
        self.national = parsing.national_number(msisdn)
        country = msisdn.removesuffix(self.national)
        gap, bracket = f"[{BETWEEN}]*", r"[(\[]?"
        # each part begins with a sign of its own, so that a space before the phone is none of it
        parts = [rf"{bracket}(?:8{gap})?0{gap}", rf"{bracket}{gap.join(self.national)}"]
        if country:
            parts.insert(0, rf"{bracket}(?:(?:\+|00|8){gap})*{gap.join(country)}{gap}")
        *prefixes, digits = parts
        self._form = re.compile("".join(f"(?:{part})?" for part in prefixes) + digits)

    def replace(self, value: Any) -> Any:
        """A text, or what JSON is made of, with REPLACEMENT in place of the phone."""
        match value:
            case str():
                return self._form.sub(REPLACEMENT, value)
            case list():
                return [self.replace(part) for part in value]
            case dict():
                return {self.replace(name): self.replace(part) for name, part in value.items()}
            case int() if not isinstance(value, bool) and self.national in str(value):
                return REPLACEMENT
        return value

    def is_in_files(self, paths: Iterable[Path]) -> bool:
        """Whether one of these text files has the phone. A file that is gone has not."""
        return any(self._is_in_file(path) for path in paths)

    def _is_in_file(self, path: Path) -> bool:
        digits, remainder = self.national.encode(), b""
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    text = remainder + chunk.translate(None, FORMATTING)
                    if digits in text:
                        return True
                    remainder = text[-len(digits) + 1 :]
        except FileNotFoundError:
            pass
        return False
