"""What Viber's apps make of a text: links, and marks that format."""

import pytest

from campaigns.compose.preview.text_pieces import LONGEST, TextPiece, split_text


def shown(text: str) -> list[tuple[str, str]]:
    """Each piece with its marks, outermost first."""
    return [(piece.text, " ".join(piece.marks)) for piece in split_text(text)]


def test_links_in_a_text_are_recognised() -> None:
    pieces = split_text("See https://a.example/x?y=1. Or (http://b.example)!")
    assert [(piece.text, piece.link) for piece in pieces] == [
        ("See ", False),
        ("https://a.example/x?y=1", True),
        (". Or (", False),
        ("http://b.example", True),
        (")!", False),
    ]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("*Viber* bots", [("Viber", "*"), (" bots", "")]),
        ("a _b c_", [("a ", ""), ("b c", "_")]),
        ("~10~ 8 EUR", [("10", "~"), (" 8 EUR", "")]),
        ("```a *b* c```\nd", [("a *b* c", "```"), ("\nd", "")]),
        ("*a*\n*b*", [("a", "*"), ("\n", ""), ("b", "*")]),
        ("*_both_ one*", [("both", "* _"), (" one", "*")]),
        ("*Знижка 🎁*", [("Знижка 🎁", "*")]),
        ("*Sale*! *Sale* now", [("*Sale*! ", ""), ("Sale", "*"), (" now", "")]),
    ],
)
def test_marks_format_the_text_that_they_touch(text: str, pieces: list[tuple[str, str]]) -> None:
    assert shown(text) == pieces


@pytest.mark.parametrize(
    "text",
    [
        "*Viber*bots", "*Viber *", "* Viber*", "2*3*4 = 24", "*2*3*", "first_name_", "*a", "**",
        "* *", "_", "``````", "*a\nb*", "*Sale*!", "https://a.example/_x_", "~/~user",
    ],
)  # fmt: skip
def test_marks_that_format_nothing_are_shown(text: str) -> None:
    assert "".join(piece.text for piece in split_text(text)) == text
    assert not any(piece.marks for piece in split_text(text))


def test_a_link_is_a_link_within_marks() -> None:
    assert split_text("*see https://a.example/b_c_*") == [
        TextPiece("see ", ("*",)),
        TextPiece("https://a.example/b_c_", ("*",), link=True),
    ]


def test_a_text_that_is_no_message_is_not_searched_for_marks() -> None:
    text = "*a " * LONGEST
    assert split_text(text) == [TextPiece(text)]
