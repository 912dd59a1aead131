"""Many rows in one statement: what goes in comes out, on each engine."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from campaigns.contacts.models import Contact, ContactList
from campaigns.ledger.models import LedgerTotal
from campaigns.ledger.totals import PendingSums
from campaigns.shared import bulk

pytestmark = pytest.mark.django_db
TABLE = Contact._meta.db_table
WORDS = [
    "plain",
    "",
    'a "quoted" one',
    "back\\slash",
    "{braces},commas",
    "Олена 😀",
    "NULL",
    "  ",
    "12",
    "\t\n",
]


def test_update_writes_any_text_as_it_is() -> None:
    made = ContactList.objects.create(name="List")
    people = Contact.objects.bulk_create(
        Contact(list=made, msisdn=str(n)) for n in range(len(WORDS))
    )
    rows = [(word, person.pk) for word, person in zip(WORDS, people, strict=True)]
    assert bulk.update(TABLE, {"country": "UA"}, {"msisdn": "text"}, rows) == len(WORDS)
    assert list(Contact.objects.order_by("pk").values_list("msisdn", "country")) == [
        (word, "UA") for word in WORDS
    ]


def test_update_leaves_rows_that_the_guard_excludes() -> None:
    made = ContactList.objects.create(name="List")
    people = Contact.objects.bulk_create(
        Contact(list=made, msisdn=str(n), country="UA") for n in range(3)
    )
    Contact.objects.filter(msisdn="1").update(country="RO")
    rows = [("BG", person.pk) for person in people]
    assert bulk.update(TABLE, {}, {"country": "text"}, rows, guard=f"{TABLE}.country = 'UA'") == 2
    assert Contact.objects.get(msisdn="1").country == "RO"


def test_insert_takes_more_rows_than_one_statement_has_parameters() -> None:
    made = ContactList.objects.create(name="List")
    rows = [(str(n), "UA") for n in range(40_000)]
    bulk.insert(
        TABLE, {"list_id": made.pk, "fields": "{}"}, {"msisdn": "text", "country": "text"}, rows
    )
    assert Contact.objects.filter(list=made).count() == 40_000


def test_upsert_adds_to_existing_rows() -> None:
    key = (date(2026, 3, 1), None, "campaign", "viber", "charge", "UA", "EUR", 0)
    for amount in (5, -2):
        bulk.upsert(
            LedgerTotal._meta.db_table,
            ("day", "campaign_id", "purpose", "channel", "kind", "country", "currency", "shard"),
            "day, COALESCE(campaign_id, 0), purpose, channel, kind, country, currency, shard",
            ("amount", "entries", "unknown"),
            [(*key, amount, 1, 0)],
        )
    total = LedgerTotal.objects.get()
    assert (total.amount, total.entries) == (Decimal("0.0000003"), 2)


def test_sums_leave_out_zeros() -> None:
    sums = PendingSums()
    sums.add(("b",), 2, 1)
    sums.add(("a",), 1, 0)
    sums.add(("b",), -2, -1)
    assert sums.rows() == [("a", 1, 0)]


def test_moment_is_exact() -> None:
    assert str(bulk.moment(datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC))).startswith(
        "2026-03-01 12:30:15.123456"
    )
