"""A text as Viber's apps show it: links, and bold, italic, strikethrough and monospace by marks.

The rules of the marks are those of https://developers.viber.com/docs/tools/text-formatting/: a mark
touches the text inside, and a blank or the end follows the second one. Apps before 14.6 show the
marks themselves. The page says nothing of what stands before the first mark, and of marks within
marks: here a blank or the beginning stands before it, and marks may enclose other ones, but not the
text between three backticks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 4000  # characters: longer texts are no messages, and finding marks would take long
BOLD, ITALIC, STRIKETHROUGH, MONOSPACE = "*", "_", "~", "```"
_LINK = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)\]])", re.IGNORECASE)
_MARKED = re.compile(
    r"(?<!\S)(?:(?P<fence>```)(?P<code>\S(?:.*?\S)?)```"
    r"|(?P<mark>[*_~])(?P<inner>(?!\s)(?:(?!(?P=mark))[^\n])+(?<!\s))(?P=mark))(?!\S)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of a text. `marks`: those that enclose it, the outermost first."""

    text: str
    marks: tuple[str, ...] = ()
    link: bool = False


def split_text(text: str) -> list[TextPiece]:
    """Split `text` where links and formatting begin and end; marks that format are left out."""
    return list(_pieces(text, ()) if len(text) <= LONGEST else _links(text, ()))


def _pieces(text: str, marks: tuple[str, ...]) -> Iterator[TextPiece]:
    end = 0
    for match in _MARKED.finditer(text):
        yield from _links(text[end : match.start()], marks)
        if match["fence"]:
            yield TextPiece(match["code"], (*marks, MONOSPACE))
        else:
            yield from _pieces(match["inner"], (*marks, match["mark"]))
        end = match.end()
    yield from _links(text[end:], marks)


def _links(text: str, marks: tuple[str, ...]) -> Iterator[TextPiece]:
    for part in _LINK.split(text):
        if part:
            yield TextPiece(part, marks, bool(_LINK.fullmatch(part)))
