"""Finds contacts by any part of their phone or merge tags, without reading all contacts.

First the oldest contacts are scanned: they answer searches with many hits, for which the index
would be slow. The rest is asked of the index (index.py), whose candidates are compared with the
contacts themselves.
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

MAX_SCANNED = 5_000  # oldest contacts scanned before the index is asked
MAX_HITS = 500
MAX_UNINDEXED = 20_000  # newest contacts, not in the index yet, that are scanned
MAX_CANDIDATES = 20_000  # of the index, compared with their contacts
MIN_TERM_LENGTH = 3  # characters: the index holds trigrams
BATCH_SIZE = 500
DIALLED_LENGTH = 7  # digits from which a number may begin with zeros that are dialled only


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Ids of the contacts found, in order.

    Not `complete`: there may be others. `too_short`: because all terms are too short for the index.
    """

    ids: list[int]
    complete: bool = True
    too_short: bool = False


def split_terms(query: str) -> list[str]:
    """The terms that every hit contains: words in lower case, or the digits of a phone."""
    digits = "".join(sign for sign in parsing.strip_formatting(query) if sign.isdigit())
    if digits and not any(sign.isalpha() for sign in query):
        return [re.sub("^00?", "", digits) if len(digits) >= DIALLED_LENGTH else digits]
    return query.casefold().split()


def search(query: str, contact_list: ContactList | None = None) -> SearchResult:
    """Up to MAX_HITS contacts of a list, or of all, with every term in phone or merge tags."""
    terms = split_terms(query)
    contacts = Contact.objects.filter(list=contact_list) if contact_list else Contact.objects.all()
    scanned = list(_read_raw(contacts.order_by("pk"), MAX_SCANNED))
    hits = set(_filter_matching(scanned, terms))
    if len(scanned) < MAX_SCANNED:
        return _make_result(hits, complete=True)
    if len(hits) >= MAX_HITS:
        return _make_result(hits, complete=False)
    if not index.index_exists():
        return _search_without_index(contacts, terms)
    long_terms = [term for term in terms if len(term) >= MIN_TERM_LENGTH]
    if not long_terms:
        return SearchResult(sorted(hits), complete=False, too_short=True)
    unindexed, all_scanned = _search_unindexed(contact_list, terms)
    hits.update(unindexed)
    hits.update(islice(_search_index(contacts, contact_list, long_terms, terms), MAX_HITS + 1))
    return _make_result(hits, complete=all_scanned)


def _make_result(ids: set[int], complete: bool) -> SearchResult:
    return SearchResult(sorted(ids)[:MAX_HITS], complete and len(ids) <= MAX_HITS)


def matches(terms: list[str], msisdn: str, values: Iterable[str]) -> bool:
    """Whether a contact with these values of merge tags contains every term."""
    text = " ".join([msisdn, *values]).casefold()
    return all(term in text for term in terms)


def _read_raw(contacts: QuerySet[Contact], limit: int) -> Iterator[tuple[int, str, str]]:
    """Yield id, phone, and merge tags as stored JSON text."""
    rows = contacts.values_list("pk", "msisdn", Cast("fields", TextField()))
    yield from rows[:limit]


def _filter_matching(rows: list[tuple[int, str, str]], terms: list[str]) -> Iterator[int]:
    """Yield the ids of rows that match. Searching the raw text first avoids parsing most JSON."""
    for pk, msisdn, fields in rows:
        text = f"{msisdn} {fields}".casefold()
        if all(term in text for term in terms) and matches(
            terms, msisdn, json.loads(fields).values()
        ):
            yield pk


def _search_without_index(contacts: QuerySet[Contact], terms: list[str]) -> SearchResult:
    """Search by reading all contacts, where PostgreSQL lacks the pg_trgm extension."""
    condition = Q()
    for term in terms:
        condition &= Q(msisdn__contains=term) | Q(fields__icontains=term)
    ids = set(contacts.filter(condition).values_list("pk", flat=True)[: MAX_HITS + 1])
    return _make_result(ids, complete=True)


def _search_unindexed(contact_list: ContactList | None, terms: list[str]) -> tuple[list[int], bool]:
    """Hits among contacts that are not in the index yet, and whether all of them were scanned."""
    pending = index.lists_to_index()
    lists = list(pending.filter(pk=contact_list.pk) if contact_list else pending[:BATCH_SIZE])
    if not lists:
        return [], True
    condition = Q(pk__in=[])
    for pending_list in lists:
        condition |= Q(list=pending_list, pk__gt=pending_list.searched_to)
    rows = list(_read_raw(Contact.objects.filter(condition).order_by("-pk"), MAX_UNINDEXED))
    return list(_filter_matching(rows, terms)), len(rows) < MAX_UNINDEXED


def _search_index(
    contacts: QuerySet[Contact],
    contact_list: ContactList | None,
    long_terms: list[str],
    terms: list[str],
) -> Iterator[int]:
    """Yield the candidates of the index that match."""
    candidates = _candidates(contacts, contact_list, long_terms)
    while ids := list(islice(candidates, BATCH_SIZE)):
        rows = list(_read_raw(contacts.filter(pk__in=ids), BATCH_SIZE))
        yield from _filter_matching(rows, terms)


def _candidates(
    contacts: QuerySet[Contact], contact_list: ContactList | None, long_terms: list[str]
) -> Iterator[int]:
    """Ids of contacts that may match; of one list, within its range of ids."""
    id_range: list[int] = []
    if contact_list:  # two queries: for MIN and MAX in one, SQLite reads the whole list
        ids = contacts.values_list("pk", flat=True)
        id_range = [*ids.order_by("pk")[:1], *ids.order_by("-pk")[:1]]
    if connection.vendor == "sqlite":
        return _query_sqlite(long_terms, id_range)
    return iter(_query_postgresql(long_terms, contact_list, id_range))


def _query_sqlite(long_terms: list[str], id_range: list[int]) -> Iterator[int]:
    """Yield contacts that contain all trigrams of the terms, in any order."""
    trigrams = dict.fromkeys(
        term[start : start + MIN_TERM_LENGTH]
        for term in long_terms
        for start in range(len(term) - 2)
    )
    match = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
    within_range = "AND rowid BETWEEN %s AND %s" if id_range else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {index.INDEX}"  # noqa: S608
            f" WHERE {index.INDEX} MATCH %s {within_range}"
            " LIMIT %s",
            [match, *id_range, MAX_CANDIDATES],
        )
        while rows := cursor.fetchmany(BATCH_SIZE):
            yield from (pk for (pk,) in rows)


def _query_postgresql(
    long_terms: list[str], contact_list: ContactList | None, id_range: list[int]
) -> list[int]:
    """Contacts that contain all terms.

    The planner overestimates rare terms and would read a whole list: the settings make it use the
    index.
    """
    conditions = ["text LIKE %s"] * len(long_terms)
    parameters: list[Any] = [f"%{_escape_like(term)}%" for term in long_terms]
    if contact_list:
        conditions += ["list_id = %s", "id BETWEEN %s AND %s"]
        parameters += [contact_list.pk, *id_range]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1;"
            " SET LOCAL max_parallel_workers_per_gather = 0"
        )
        cursor.execute(
            f"SELECT id FROM {index.INDEX} WHERE {' AND '.join(conditions)} LIMIT %s",  # noqa: S608
            [*parameters, MAX_HITS + 1],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _escape_like(term: str) -> str:
    """The term with the wildcards of LIKE escaped."""
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
