"""People by any part of their phone or merge fields, without reading all contacts.

First a look at some contacts: what many have is found there, and an index would only be in the way.
What few have is asked of the index (search_index.py), whose answers are compared with the contacts
themselves.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.phones import parsing
from campaigns.contacts.search import index

MAX_SCANNED = 5_000  # contacts looked at before the index is asked
MAX_HITS = 500  # people found; whoever wants others types more
MAX_UNINDEXED = 20_000  # newest contacts, not in the index yet, that are looked at
MAX_CANDIDATES = 20_000  # answers of the index that are compared with their contacts
MIN_TERM_LENGTH = 3  # letters or digits that the index can look for
BATCH_SIZE = 500
DIALLED_LENGTH = (
    7  # so many digits are a number as it is dialled: the zeros before it are no part of it
)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Contact ids in their order. Not `complete`: there may be others. `too_short`: for want of
    letters.
    """

    ids: list[int]
    complete: bool = True
    too_short: bool = False


def split_terms(words: str) -> list[str]:
    """What each person found has: the words, or the digits of a number as people write it."""
    digits = "".join(sign for sign in parsing.strip_formatting(words) if sign.isdigit())
    if digits and not any(sign.isalpha() for sign in words):
        return [re.sub("^00?", "", digits) if len(digits) >= DIALLED_LENGTH else digits]
    return words.casefold().split()


def search(words: str, contact_list: ContactList | None = None) -> SearchResult:
    """Up to MOST people, on one list or on all, who have every one of the words in their phone or
    merge fields.
    """
    wanted = split_terms(words)
    everybody = Contact.objects.filter(list=contact_list) if contact_list else Contact.objects.all()
    first = list(_read_raw(everybody.order_by("pk"), MAX_SCANNED))
    found = set(_filter_matching(first, wanted))
    if len(first) < MAX_SCANNED:
        return _make_result(found, complete=True)
    if len(found) >= MAX_HITS:
        return _make_result(found, complete=False)
    if not index.index_exists():
        return _search_without_index(everybody, wanted)
    long = [term for term in wanted if len(term) >= MIN_TERM_LENGTH]
    if not long:
        return SearchResult(sorted(found), complete=False, too_short=True)
    fresh, all_fresh = _search_unindexed(contact_list, wanted)
    found.update(fresh)
    found.update(islice(_search_index(everybody, contact_list, long, wanted), MAX_HITS + 1))
    return _make_result(found, complete=all_fresh)


def _make_result(ids: set[int], complete: bool) -> SearchResult:
    return SearchResult(sorted(ids)[:MAX_HITS], complete and len(ids) <= MAX_HITS)


def matches(wanted: list[str], msisdn: str, values: Iterable[str]) -> bool:
    """Whether a person with these merge fields has every word."""
    text = " ".join([msisdn, *values]).casefold()
    return all(term in text for term in wanted)


def _read_raw(people: QuerySet[Contact], most: int) -> Iterator[tuple[int, str, str]]:
    """Id, phone, and merge fields as they stand in the database."""
    rows = people.values_list("pk", "msisdn", Cast("fields", TextField()))
    yield from rows[:most]


def _filter_matching(rows: list[tuple[int, str, str]], wanted: list[str]) -> Iterator[int]:
    """Those who match. A look at the whole text saves most of them the parsing."""
    for pk, msisdn, fields in rows:
        text = f"{msisdn} {fields}".casefold()
        if all(term in text for term in wanted) and matches(
            wanted, msisdn, json.loads(fields).values()
        ):
            yield pk


def _search_without_index(everybody: QuerySet[Contact], wanted: list[str]) -> SearchResult:
    """Without an index."""
    asked = Q()
    for term in wanted:
        asked &= Q(msisdn__contains=term) | Q(fields__icontains=term)
    ids = set(everybody.filter(asked).values_list("pk", flat=True)[: MAX_HITS + 1])
    return _make_result(ids, complete=True)


def _search_unindexed(
    contact_list: ContactList | None, wanted: list[str]
) -> tuple[list[int], bool]:
    """Those who are not in the index yet, and whether all of them were looked at."""
    behind = index.lists_to_index()
    lists = list(behind.filter(pk=contact_list.pk) if contact_list else behind[:BATCH_SIZE])
    if not lists:
        return [], True
    newer = Q(pk__in=[])
    for one in lists:
        newer |= Q(list=one, pk__gt=one.searched_to)
    rows = list(_read_raw(Contact.objects.filter(newer).order_by("-pk"), MAX_UNINDEXED))
    return list(_filter_matching(rows, wanted)), len(rows) < MAX_UNINDEXED


def _search_index(
    everybody: QuerySet[Contact],
    contact_list: ContactList | None,
    long: list[str],
    wanted: list[str],
) -> Iterator[int]:
    """Those whom the index finds, compared with their contacts."""
    candidates = _candidates(everybody, contact_list, long)
    while ids := list(islice(candidates, BATCH_SIZE)):
        yield from _filter_matching(
            list(_read_raw(everybody.filter(pk__in=ids), BATCH_SIZE)), wanted
        )


def _candidates(
    everybody: QuerySet[Contact], contact_list: ContactList | None, long: list[str]
) -> Iterator[int]:
    """Ids of contacts that may match; of one list: within its range of ids."""
    bounds: list[int] = []
    if contact_list:  # each end by itself: asked for both at once, SQLite reads the whole list
        ids = everybody.values_list("pk", flat=True)
        bounds = [*ids.order_by("pk")[:1], *ids.order_by("-pk")[:1]]
    if connection.vendor == "sqlite":
        return _query_sqlite(long, bounds)
    return iter(_query_postgresql(long, contact_list, bounds))


def _query_sqlite(long: list[str], bounds: list[int]) -> Iterator[int]:
    """Contacts with all the trigrams; in which order, it does not know."""
    trigrams = dict.fromkeys(
        term[place : place + MIN_TERM_LENGTH] for term in long for place in range(len(term) - 2)
    )
    asked = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
    within = "AND rowid BETWEEN %s AND %s" if bounds else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {index.INDEX}"  # noqa: S608
            f" WHERE {index.INDEX} MATCH %s {within}"
            " LIMIT %s",
            [asked, *bounds, MAX_CANDIDATES],
        )
        while rows := cursor.fetchmany(BATCH_SIZE):
            yield from (pk for (pk,) in rows)


def _query_postgresql(
    long: list[str], contact_list: ContactList | None, bounds: list[int]
) -> list[int]:
    """The planner takes a rare word for a common one, and the index for slow; it would rather read
    a whole list.
    """
    conditions = ["text LIKE %s"] * len(long)
    values: list[Any] = [f"%{_escape_like(term)}%" for term in long]
    if contact_list:
        conditions += ["list_id = %s", "id BETWEEN %s AND %s"]
        values += [contact_list.pk, *bounds]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1;"
            " SET LOCAL max_parallel_workers_per_gather = 0"
        )
        cursor.execute(
            f"SELECT id FROM {index.INDEX} WHERE {' AND '.join(conditions)} LIMIT %s",  # noqa: S608
            [*values, MAX_HITS + 1],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _escape_like(term: str) -> str:
    """A word for LIKE, in which nothing stands for something else."""
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
