"""Text in Unicode's normal form C, in which equal words are equal characters.

A Mac writes "é" of file names, and of what is pasted from them, as two characters. Joiners, which
emoji and many scripts need, stay as they are.
"""

import unicodedata


def composed(text: str) -> str:
    """`text` in normal form C: each accent is one character with its letter where there is one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
