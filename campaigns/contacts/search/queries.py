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

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Func, Q, QuerySet, TextField
from django.db.models.functions import Cast

from campaigns.contacts.models import CompactEncoder, Contact, ContactList
from campaigns.contacts.phones import parsing
from campaigns.contacts.search import index
from campaigns.shared.brands.scope import limit
from campaigns.shared.text import DOTTED_I, escape_like, fold

MAX_SCANNED = 5_000  # oldest contacts scanned before the index is asked
MAX_HITS = 500
MAX_UNINDEXED = 20_000  # newest contacts, not in the index yet, that are scanned
MAX_CANDIDATES = 20_000  # contacts with all long terms, compared with the short ones
MAX_TRIGRAM_MATCHES = 200_000  # of SQLite's index, compared with their contacts: two seconds
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
    digits = "".join(sign for sign in parsing.strip_formatting(query) if sign.isdecimal())
    if digits and not any(sign.isalpha() for sign in query):
        return [re.sub("^00?", "", digits) if len(digits) >= DIALLED_LENGTH else digits]
    return fold(query).split()


def search(query: str, contact_list: ContactList | None = None) -> SearchResult:
    """Up to MAX_HITS contacts of a list, or of all, with every term in phone or merge tags.

    They are those with the lowest ids among the indexed ones and the MAX_UNINDEXED newest others,
    the same on every database.
    """
    terms = split_terms(query)
    if not terms:
        return SearchResult([])
    contacts = Contact.objects.filter(list=contact_list) if contact_list else Contact.objects.all()
    scanned = list(_read_raw(contacts.order_by("pk"), MAX_SCANNED))
    hits = set(_filter_matching(scanned, terms))
    if len(scanned) < MAX_SCANNED:
        return _make_result(hits, complete=True)
    if len(hits) > MAX_HITS:
        return _make_result(hits, complete=False)
    if not index.index_exists():
        return _search_without_index(contacts, terms)
    long_terms = [term for term in terms if len(term) >= MIN_TERM_LENGTH]
    if not long_terms:
        return SearchResult(sorted(hits)[:MAX_HITS], complete=False, too_short=True)
    unindexed, all_scanned = _search_unindexed(contact_list, terms)
    hits.update(unindexed)
    indexed, all_compared = _search_index(contacts, contact_list, long_terms, terms)
    hits.update(indexed)
    return _make_result(hits, all_scanned and all_compared)


def search_whole_phone(query: str, contact_list: ContactList | None = None) -> SearchResult | None:
    """The contacts with exactly the phone `query`, for those who must not know phones; None if it
    is not a whole one.
    """
    msisdn = whole_phone(query)
    if not msisdn:
        return None
    contacts = Contact.objects.filter(msisdn=msisdn)
    if contact_list:
        contacts = contacts.filter(list=contact_list)
    return SearchResult(list(contacts.order_by("pk").values_list("pk", flat=True)[:MAX_HITS]))


def whole_phone(query: str) -> str:
    """The E.164 digits of a whole phone in any spelling; "" for a part of one, and other texts."""
    phone = parsing.normalise(query, settings.DEFAULT_COUNTRY) if query else None
    return phone.msisdn if isinstance(phone, parsing.Phone) else ""


def _make_result(ids: set[int], complete: bool) -> SearchResult:
    return SearchResult(sorted(ids)[:MAX_HITS], complete and len(ids) <= MAX_HITS)


def matches(terms: list[str], msisdn: str, values: Iterable[str]) -> bool:
    """Whether a contact with these values of merge tags contains every term."""
    text = fold(" ".join([msisdn, *values]))
    return all(term in text for term in terms)


def _read_raw(contacts: QuerySet[Contact], limit: int) -> Iterator[tuple[int, str, str]]:
    """Yield id, phone, and merge tags as stored JSON text."""
    rows = contacts.values_list("pk", "msisdn", Cast("fields", TextField()))
    yield from rows[:limit]


def _filter_matching(rows: list[tuple[int, str, str]], terms: list[str]) -> Iterator[int]:
    """Yield the ids of rows that match. Searching the raw text first avoids parsing most JSON."""
    escaped = [CompactEncoder().encode(term)[1:-1] for term in terms]
    for pk, msisdn, fields in rows:
        text = fold(f"{msisdn} {fields}")
        if all(term in text for term in escaped) and matches(
            terms, msisdn, json.loads(fields).values()
        ):
            yield pk


def _search_without_index(contacts: QuerySet[Contact], terms: list[str]) -> SearchResult:
    """Search by reading all contacts, where PostgreSQL lacks the pg_trgm extension."""
    text = Func("msisdn", "fields", function="contact_search_text", output_field=TextField())
    matching = contacts.annotate(text=text)
    for term in terms:
        matching = matching.filter(text__contains=term)
    ids = set(matching.order_by("pk").values_list("pk", flat=True)[: MAX_HITS + 1])
    return _make_result(ids, complete=True)


def _search_unindexed(contact_list: ContactList | None, terms: list[str]) -> tuple[list[int], bool]:
    """Hits among contacts that are not in the index yet, and whether all of them were scanned."""
    pending = index.lists_to_index()
    if contact_list:
        pending = pending.filter(pk=contact_list.pk)
    lists = list(pending.order_by("pk")[: BATCH_SIZE + 1])
    if not lists:
        return [], True
    condition = Q(pk__in=[])
    for pending_list in lists:
        condition |= Q(list=pending_list, pk__gt=pending_list.searched_to)
    rows = list(_read_raw(Contact.objects.filter(condition).order_by("-pk"), MAX_UNINDEXED))
    all_scanned = len(rows) < MAX_UNINDEXED and len(lists) <= BATCH_SIZE
    return list(_filter_matching(rows, terms)), all_scanned


def _search_index(
    contacts: QuerySet[Contact],
    contact_list: ContactList | None,
    long_terms: list[str],
    terms: list[str],
) -> tuple[list[int], bool]:
    """Up to MAX_HITS + 1 indexed contacts that match, in order, and whether all were compared.

    With short terms, no more than MAX_CANDIDATES contacts that contain the long ones are compared.
    """
    id_range: list[int] = []
    if contact_list:  # two queries: for MIN and MAX in one, SQLite reads the whole list
        ids = contacts.values_list("pk", flat=True)
        id_range = [*ids.order_by("pk")[:1], *ids.order_by("-pk")[:1]]
    if connection.vendor == "sqlite":
        return _compare_sqlite(contacts, _query_sqlite(long_terms, id_range), long_terms, terms)
    return _query_postgresql(long_terms, terms, contact_list, id_range)


def _compare_sqlite(
    contacts: QuerySet[Contact],
    trigram_matches: Iterator[int],
    long_terms: list[str],
    terms: list[str],
) -> tuple[list[int], bool]:
    """Compare the contacts that have the trigrams, which may stand apart, with the terms."""
    hits: list[int] = []
    candidates = read = 0
    while ids := list(islice(trigram_matches, BATCH_SIZE)):
        rows = sorted(_read_raw(contacts.filter(pk__in=ids), BATCH_SIZE))
        containing = set(_filter_matching(rows, long_terms))
        allowed = MAX_CANDIDATES - candidates
        compared = [row for row in rows if row[0] in containing][:allowed]
        hits += _filter_matching(compared, terms)
        candidates, read = candidates + len(containing), read + len(ids)
        if len(hits) > MAX_HITS:
            return hits[: MAX_HITS + 1], True
        if candidates > MAX_CANDIDATES or read >= MAX_TRIGRAM_MATCHES:
            return hits, False
    return hits, True


def _query_sqlite(long_terms: list[str], id_range: list[int]) -> Iterator[int]:
    """Yield contacts that contain all trigrams of the terms, in order."""
    trigrams = dict.fromkeys(
        term[start : start + MIN_TERM_LENGTH]
        for term in long_terms
        for start in range(len(term) - 2)
    )
    match = " AND ".join(map(_match_trigram, trigrams))
    within_range = "AND rowid BETWEEN %s AND %s" if id_range else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {index.INDEX}"  # noqa: S608
            f" WHERE {index.INDEX} MATCH %s {within_range} ORDER BY rowid",
            [match, *id_range],
        )
        while rows := cursor.fetchmany(BATCH_SIZE):
            yield from (pk for (pk,) in rows)


def _match_trigram(trigram: str) -> str:
    """The trigram for FTS5, which folds letters itself, but does not take the dotted I for an i."""
    spellings = [""]
    for sign in trigram:
        signs = f"i{DOTTED_I}" if sign == "i" else sign
        spellings = [spelling + sign for spelling in spellings for sign in signs]
    quoted = ['"' + spelling.replace('"', '""') + '"' for spelling in spellings]
    return f"({' OR '.join(quoted)})" if len(quoted) > 1 else quoted[0]


def _query_postgresql(
    long_terms: list[str], terms: list[str], contact_list: ContactList | None, id_range: list[int]
) -> tuple[list[int], bool]:
    """Contacts that contain all terms, and whether all candidates were compared.

    The planner overestimates rare terms and would read a whole list: the settings make it use the
    index, and MATERIALIZED keeps it from walking the table in order of ids.
    """
    conditions = ["text LIKE %s"] * len(long_terms)
    parameters: list[Any] = [f"%{escape_like(term)}%" for term in long_terms]
    if contact_list:
        conditions += ["list_id = %s", "id BETWEEN %s AND %s"]
        parameters += [contact_list.pk, *id_range]
    elif limit() is not None:
        conditions.append("list_id = ANY(%s)")
        parameters.append(list(ContactList.objects.values_list("pk", flat=True)))
    short_terms = [term for term in terms if term not in long_terms]
    most = MAX_CANDIDATES if short_terms else MAX_HITS
    columns = "id, text" if short_terms else "id"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1;"
            " SET LOCAL max_parallel_workers_per_gather = 0"
        )
        cursor.execute(
            f"WITH matching AS MATERIALIZED (SELECT {columns} FROM {index.INDEX}"  # noqa: S608
            f" WHERE {' AND '.join(conditions)}) SELECT {columns} FROM matching ORDER BY id"
            " LIMIT %s",
            [*parameters, most + 1],
        )
        candidates = cursor.fetchall()
    hits = [
        pk
        for pk, *text in candidates[: most + (not short_terms)]
        if all(term in text[0] for term in short_terms)
    ]
    return hits[: MAX_HITS + 1], len(candidates) <= most or len(hits) > MAX_HITS
