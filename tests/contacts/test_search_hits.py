"""A search finds the same contacts on every database, and says "complete" only where it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.search import index, queries
from campaigns.shared.query_values import read_search

pytestmark = pytest.mark.django_db
PIECES = ("олен", "ОЛЕНА", "ян", "Ян", "istan", "İST", "ΟΔΟΣ", "οδοσ", "100%", "a_b", '"x\\"', "й")
WORDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)


def make_list(name: str, values: list[str]) -> ContactList:
    made = ContactList.objects.create(name=name, contact_count=len(values))
    Contact.objects.bulk_create(
        Contact(list=made, msisdn=f"38097{place:07d}", country="UA", fields={"first_name": value})
        for place, value in enumerate(values)
    )
    return made


@contextmanager
def undone() -> Iterator[None]:
    """What one example writes is not there for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_frequent_word_with_a_short_one_finds_all_hits() -> None:
    frequent = ["Олена Петренко"] * 5_000  # scanned without the index
    made = make_list("Clients", frequent + ["Олена Бо", "Олена Петренко", "Олена Петренко"] * 300)
    while index.index_contacts(lambda: False):
        pass
    for where in (made, None):
        hits = queries.search("олена бо", where)
        assert (len(hits.ids), hits.complete) == (300, True)


def test_candidates_beyond_the_limit_are_not_called_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "MAX_SCANNED", 1)
    monkeypatch.setattr(queries, "MAX_CANDIDATES", 4)
    values = ["nobody", *["Олена", "Олена Бо"] * 4]
    made = make_list("Clients", values)
    index.index_contacts()
    hits = queries.search("олена бо")
    phones = Contact.objects.filter(pk__in=hits.ids).order_by("pk")
    assert [int(contact.msisdn[-2:]) for contact in phones] == [2, 4]
    assert not hits.complete
    monkeypatch.setattr(queries, "MAX_CANDIDATES", 8)
    assert (len(queries.search("олена бо", made).ids), queries.search("олена бо").complete) == (
        4,
        True,
    )


@settings(max_examples=40)
@given(values=st.lists(WORDS, max_size=12), indexed=st.integers(0, 12), query=st.data())
def test_search_finds_what_a_plain_comparison_finds(
    values: list[str], indexed: int, query: st.DataObject
) -> None:
    terms = query.draw(st.lists(WORDS.map(lambda word: word[:4]), min_size=1, max_size=2))
    with undone(), pytest.MonkeyPatch.context() as patch:
        for name, limit in (("MAX_SCANNED", 2), ("MAX_HITS", 5), ("MAX_CANDIDATES", 7)):
            patch.setattr(queries, name, limit)
        made = make_list("Clients", values[:indexed])
        index.index_contacts()
        rest = make_list("Others", values[indexed:])
        expected = [
            contact.pk
            for contact in Contact.objects.order_by("pk")
            if all(_plain(term) in _plain(contact.fields["first_name"]) for term in terms)
        ]
        hits = queries.search(" ".join(terms))
        assert set(hits.ids) <= set(expected)
        assert not hits.complete or hits.ids == expected
        short = all(len(term) < queries.MIN_TERM_LENGTH for term in terms)
        if len(values) <= 7 and len(expected) <= 5 and not short:
            assert hits.complete
        for part in (made, rest):
            in_part = [pk for pk in expected if Contact.objects.filter(pk=pk, list=part).exists()]
            hits = queries.search(" ".join(terms), part)
            assert set(hits.ids) <= set(in_part)
            assert not hits.complete or hits.ids == in_part


def _plain(value: str) -> str:
    return value.replace("İ", "i").lower().replace("ς", "σ")


@pytest.mark.parametrize(("query", "hits"), [("\0", 0), ("\0 \0", 0), ("Оле\0на", 1)])
def test_search_for_nothing_but_nul_finds_nobody(query: str, hits: int) -> None:
    make_list("Clients", ["Олена"])
    assert len(queries.search(read_search({"q": query})).ids) == hits
