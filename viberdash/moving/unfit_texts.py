"""NULs, which SQLite keeps and PostgreSQL refuses, in texts and in JSON."""

import re

REPLACEMENT = "\ufffd".encode()  # stands for a NUL, as in searches (shared/text.py)
# an odd number of backslashes: with an even one they stand for themselves
ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(lines: bytes) -> bytes:
    return lines.replace(b"\0", REPLACEMENT)


def json_without_nul(text: bytes | str | None) -> bytes | str | None:
    """A JSON text whose strings have no NUL. Called by SQLite."""
    if text is None:
        return None
    content = text.encode() if isinstance(text, str) else text
    return ESCAPED_NUL.sub(rb"\1\\ufffd", content).decode()
