"""The ledger stores entries with their totals, and never changes or deletes one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from campaigns.ledger.append_only import ensure_append_only
from campaigns.ledger.entries import Amounts, Movement, write_entries
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal
from campaigns.ledger.sums import spend_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def charge(
    *amounts: tuple[int | None, Decimal | None], channel: Channel = Channel.VIBER
) -> Movement:
    rows: Amounts = amounts
    return Movement(Kind.CHARGE, channel, 7, "UA", "EUR", rows)


def test_enter_keeps_the_totals() -> None:
    write_entries([charge((1, Decimal("0.23")), (2, Decimal("0.0000001")), (3, None))], NOON)
    write_entries([charge((1, Decimal("0.05")), channel=Channel.SMS)], NOON)
    assert LedgerEntry.objects.count() == 4
    columns = ("day", "channel", "amount", "entries", "unknown")
    totals: list[Any] = list(LedgerTotal.objects.order_by("channel").values_list(*columns))
    assert totals == [
        (date(2026, 3, 1), "sms", Decimal("0.05"), 1, 0),
        (date(2026, 3, 1), "viber", Decimal("0.2300001"), 3, 1),
    ]
    assert spend_of(7) == {"EUR": {"viber": Decimal("0.2300001"), "sms": Decimal("0.05")}}


def test_settled_price_is_no_longer_counted_as_unknown() -> None:
    write_entries([charge((1, None))], NOON)
    write_entries(
        [
            Movement(
                Kind.ADJUSTMENT, Channel.VIBER, 7, "UA", "EUR", [(1, Decimal("0.02"))], settles=True
            )
        ],
        NOON,
    )
    assert sum(LedgerTotal.objects.values_list("unknown", flat=True)) == 0
    assert spend_of(7)["EUR"]["viber"] == Decimal("0.02")


def test_second_charge_of_a_recipient_is_refused() -> None:
    write_entries([charge((1, Decimal("0.23")))], NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        write_entries([charge((1, Decimal("0.23")))], NOON)


def test_database_refuses_to_change_an_entry() -> None:
    if connection.vendor == "postgresql":
        triggers = ["ledger_append_only ON campaigns_ledgerentry"]
    else:
        triggers = ["ledger_no_UPDATE", "ledger_no_DELETE"]
    with connection.cursor() as cursor:
        for trigger in triggers:
            cursor.execute(f"DROP TRIGGER {trigger}")
    ensure_append_only()  # as after each migration
    write_entries([charge((1, Decimal("0.23")))], NOON)
    statements = [
        "UPDATE campaigns_ledgerentry SET amount = 0",
        "DELETE FROM campaigns_ledgerentry",
    ]
    if connection.vendor == "postgresql":  # SQLite has no TRUNCATE
        statements.append("TRUNCATE campaigns_ledgerentry CASCADE")
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert LedgerEntry.objects.get().amount == Decimal("0.23")
