"""Lengths of time as people read them."""

from django.utils.translation import ngettext


def duration(seconds: int) -> str:
    """`seconds` in words: 86400 -> "24 hours", 5400 -> "1 hour 30 minutes", 0 -> "0 seconds"."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        (hours, ngettext("%d hour", "%d hours", hours)),
        (minutes, ngettext("%d minute", "%d minutes", minutes)),
        (rest, ngettext("%d second", "%d seconds", rest)),
    ]
    return " ".join(text % number for number, text in parts if number) or parts[-1][1] % 0
