"""Texts are folded alike in Python and in the database of the run."""

import pytest
from django.db import connection
from django.db.models import TextField, Value
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.models import ContactList
from campaigns.shared import text
from campaigns.shared.text import FoldedContains, FoldedExact, FoldedStartsWith, fold

pytestmark = pytest.mark.django_db
# letters of every script that Viber's countries write, wildcards of LIKE and GLOB, and emoji
SIGNS = st.sampled_from("aAzZiIİıкКїЇєЄґҐσΣςßẞéÉøØľĽłŁ%_*?[]^-\\'\"1 \u212a\u2126Ⴀა😀")
TEXTS = st.text(SIGNS, max_size=6)


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


@pytest.mark.parametrize("query", ["знижка", "ЗНИЖКА", "ниЖ"])
def test_names_are_found_whatever_their_capitals(query: str) -> None:
    ContactList.objects.create(name="Знижка 10%")
    assert ContactList.objects.filter(name__folded_contains=query).count() == 1
    assert not ContactList.objects.filter(name__folded_contains=f"{query}\0").exists()
