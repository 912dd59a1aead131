"""Texts are folded alike in Python and in the database of the run."""

import pytest
from django.db import connection
from django.db.models import TextField, Value
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.models import ContactList
from campaigns.shared import text
from campaigns.shared.text import FoldedContains, FoldedExact, FoldedStartsWith, composed, fold

pytestmark = pytest.mark.django_db
# letters of every script that Viber's countries write, wildcards of LIKE and GLOB, and emoji
SIGNS = st.sampled_from("aAzZiIİıкКїЇєЄґҐσΣςßẞéÉøØľĽłŁ%_*?[]^-\\'\"1 \u212a\u2126Ⴀა😀")
TEXTS = st.text(SIGNS, max_size=6)
LOOKUPS = (FoldedExact, FoldedContains, FoldedStartsWith)


@given(value=TEXTS, part=TEXTS, at=st.integers(0, 5))
def test_database_folds_as_python(value: str, part: str, at: int) -> None:
    swapped = "".join(sign.swapcase() if len(sign.swapcase()) == 1 else sign for sign in value)
    for wanted in (part, value[at:], value[: at + 1], swapped):
        column = Value(value, TextField())
        row = _select(
            FoldedExact(column, wanted),
            FoldedContains(column, wanted),
            FoldedStartsWith(column, wanted),
        )
        assert row == [
            fold(value) == fold(wanted),
            fold(wanted) in fold(value),
            fold(value).startswith(fold(wanted)),
        ], (value, wanted)


def _select(*conditions: FoldedExact) -> list[bool]:
    ContactList.objects.get_or_create(name="one row")
    names = ("exact", "contains", "starts")
    query = ContactList.objects.annotate(**dict(zip(names, conditions, strict=True)))
    return [bool(value) for value in query.values_list(*names)[0]]


def test_every_capital_is_folded_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = text._capitals().items()
    column = Value("".join(letter for _folded, letter in pairs), TextField())
    wanted = "".join(folded * len(letters) for folded, letters in pairs)
    assert len(pairs) > 1_300
    if connection.vendor == "postgresql":  # also by ICU, where the locale folds ASCII alone
        monkeypatch.setattr(text, "_locale_folds", lambda _using: False)
    query = ContactList.objects.annotate(same=FoldedExact(column, wanted))
    ContactList.objects.get_or_create(name="one row")
    assert bool(query.values_list("same", flat=True)[0])


def test_fold_keeps_the_length_and_is_the_same_twice() -> None:
    for letters in text._capitals().values():
        for letter in letters:
            assert len(fold(letter)) == 1
            assert fold(fold(letter)) == fold(letter)


@pytest.mark.parametrize(
    ("stored", "typed", "same"),
    [
        ("Istanbul", "I\u0307stanbul", True),  # Perl/perl5#6985, shreyaskarnik/argo#46
        ("Київська", "киі\u0308вська", True),  # osmandapp/OsmAnd#24244
        ("Київська", "Киівська", False),  # ї is a letter, not an і
        ("Лёня", "Леня", False),  # grishka/Smithereen#140
        ("Лёня", "ЛЕ\u0308НЯ", True),
        ("Котик", "КОТИК", True),  # cboxdoerfer/fsearch#22
        ("Андрій", "андріи\u0306", True),
        ("grössen", "GRO\u0308SSEN", True),  # zed-industries/zed#30503
        ("Bestätigung", "besta\u0308tigung", True),  # sharkdp/fd#1535
        ("groß", "GROẞ", True),
        ("groß", "gross", False),  # sillsdev/web-languageforge#1316: as many letters as there are
        ("ß\u0301", "ẞ\u0301", True),  # w3c/charmod-norm#172
        ("\u1fbb", "ά", True),  # 4gray/iptvnator#1640
        ("ΟΔΥΣΣΕΎΣ", "οδυσσεύς", True),
        (
            "학점인정",
            "\u1112\u1161\u11a8\u110c\u1165\u11b7\u110b\u1175\u11ab\u110c\u1165\u11bc",
            True,
        ),
        ("パイソン", "ハ\u309aイソン", True),  # malthe/macfsevents#27
    ],
)
def test_words_that_read_alike_are_alike(stored: str, typed: str, same: bool) -> None:
    """Both are composed where they enter."""
    column = Value(composed(stored), TextField())
    conditions = [lookup(column, composed(typed)) for lookup in LOOKUPS]
    assert _select(*conditions) == [same] * 3


@pytest.mark.parametrize("query", ["знижка", "ЗНИЖКА", "ниЖ"])
def test_names_are_found_whatever_their_capitals(query: str) -> None:
    ContactList.objects.create(name="Знижка 10%")
    assert ContactList.objects.filter(name__folded_contains=query).count() == 1
    assert not ContactList.objects.filter(name__folded_contains=f"{query}\0").exists()
