"""Campaigns with millions of recipients, their batches, ledger, totals and tallies: what the pages
read, made in bulk.

Every statement runs on both engines; the indexes of the two large tables are made after their rows.
The same shares of people meet the same fates whatever the number, so two sizes differ in nothing
but their size.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Max, Sum
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState, PriceList, Sender
from campaigns.dispatch.models import Batch, DeliveryState, Recipient, SendState, Snapshot, Tally
from campaigns.ledger.models import LedgerEntry, LedgerTotal
from campaigns.results.hourly_counts import start_of_hour
from campaigns.results.models import HourCount, Measure
from campaigns.team.models import User

CAMPAIGNS = 200  # half of all people are in the last one
DAYS_APART = 1.8  # so that they fill a year
# What `make_steady` makes of a million: four campaigns. Five million a month.
SHARES = (0.1, 0.15, 0.25, 0.5)
STEADY_DAYS_APART = 1.5
# Before them, so that each list of campaigns has a full page.
SMALL_CAMPAIGNS, SMALL_SIZE = 20, 100
SAME_PEOPLE = 20  # campaigns in a row: those of a month
FIRST_PHONE = 380_670_000_001
BATCH = 50
LARGE = (Recipient._meta.db_table, LedgerEntry._meta.db_table)
PRICE, SMS_PRICE = 234_567, 410_005  # ten-millionths

# What became of the people of each hundred, by the first place beyond: delivery state and the
# gateway's word.
FATES = (
    (55, "read", "read"),
    (80, "delivered", "delivered"),
    (85, "sms_delivered", "expired"),
    (87, "fallback", "expired"),
    (95, "not_delivered", "undeliverable"),
    (96, "sent", "sent"),
    (99, "", ""),  # without a price yet, refused, cancelled
    (100, "read", "read"),
)
# By batch; all countries in the smallest campaigns too, so that two sizes have as many totals a
# campaign.
COUNTRY = "CASE ((n - 1) / 50) % 5 WHEN 3 THEN 'PL' WHEN 4 THEN 'DE' ELSE 'UA' END"
NOT_REACHED, BY_SMS = "n % 100 BETWEEN 80 AND 94", "n % 100 BETWEEN 80 AND 86"
ACCEPTED = "(n % 10000 <> 9999 AND n % 100 NOT IN (97, 98))"


def make(recipients: int) -> Campaign:
    """CAMPAIGNS finished campaigns over the last year with `recipients` people; the largest, which
    is the newest.
    """
    sizes = [recipients // 2 // (CAMPAIGNS - 1)] * (CAMPAIGNS - 1)
    sizes.append(recipients - sum(sizes))
    return _make(sizes, [FIRST_PHONE] * CAMPAIGNS, DAYS_APART)


def make_steady(recipients: int, part: int) -> Campaign:
    """Finished campaigns of the same sizes at the same pace, as long as it takes to reach
    `recipients`: four for each `part`, the last of which has half of it, after some small ones.
    Return the newest.

    Each month has people of its own, so nobody's history gets longer.
    """
    sizes = [SMALL_SIZE] * SMALL_CAMPAIGNS
    sizes += [round(part * share) for share in SHARES] * (recipients // part)
    phones = [FIRST_PHONE + place // SAME_PEOPLE * part for place in range(len(sizes))]
    return _make(sizes, phones, STEADY_DAYS_APART)


def _make(sizes: list[int], phones: list[int], days_apart: float) -> Campaign:
    """Campaigns with so many people each, whose phones begin with that of `phones`; the last one,
    which was two days ago.
    """
    campaigns = _campaigns(sizes, days_apart)
    _price_lists()
    with _without_indexes():
        for campaign, first_phone in zip(campaigns, phones, strict=True):
            last = Recipient.objects.aggregate(last=Max("pk"))["last"] or 0
            _recipients(campaign, first_phone)
            _entries(campaign, last)
        _totals()
        _tallies()
        _hours(campaigns)
    return campaigns[-1]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _campaigns(sizes: list[int], days_apart: float) -> list[Campaign]:
    people = [
        User.objects.create_user(name, role="administrator") for name in ("olena", "marko", "ira")
    ]
    senders = [Sender.objects.create(name=f"Shop {number}") for number in range(5)]
    now = timezone.now() - timedelta(days=2)
    result = []
    for number, size in enumerate(sizes, 1):
        at = now - timedelta(days=days_apart * (len(sizes) - number))
        result.append(
            Campaign(
                name=f"Campaign {number}",
                state=CampaignState.FINISHED,
                sender=senders[number % 5],
                text="Hello!",
                sms_text="Hello!",
                sms_sender="Shop",
                tariff=number % 3,
                created_by=people[0],
                launched_by=people[number % 3],
                launched_at=at,
                finished_at=at + timedelta(hours=1),
                frozen_at=at,
                audience=size,
            )
        )
    made = Campaign.objects.bulk_create(result)
    Snapshot.objects.bulk_create(
        Snapshot(campaign=one, in_lists=size, left=size, complete=True, batches=-(-size // BATCH))
        for one, size in zip(made, sizes, strict=True)
    )
    return made


def _price_lists() -> None:
    for channel, price in (("viber", "0.0234567"), ("sms", "0.0410005")):
        rows = [
            {
                "country": code,
                "country_name": code,
                "mcc": "",
                "mnc": "",
                "price": price,
                "currency": "EUR",
            }
            for code in ("UA", "PL", "DE", "")
        ]
        for tariff in range(3):
            PriceList.objects.create(
                channel=channel, tariff=tariff, rows=rows, fetched_at=timezone.now()
            )


@contextmanager
def _without_indexes() -> Iterator[None]:
    """The large tables without their indexes; PostgreSQL writes no journal of them either."""
    places = ", ".join(["%s"] * len(LARGE))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET maintenance_work_mem = '512MB'")
            for table in LARGE:
                cursor.execute(f"ALTER TABLE {table} SET UNLOGGED")
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN"
                f" ({places}) AND indexname NOT IN (SELECT conname FROM pg_constraint)",
                LARGE,
            )
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> '' AND"
                f" tbl_name IN ({places})",
                LARGE,
            )
        indexes = cursor.fetchall()
        for name, _sql in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _name, sql in indexes:
            cursor.execute(sql)


def _numbers(last: int) -> str:
    """The numbers from 1 to `last` as a table n(n)."""
    if connection.vendor == "postgresql":
        return f"generate_series(1, {last}) AS n(n)"
    return (
        f"(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {last}) SELECT"
        " n FROM n) AS n"
    )


def _moment(at: datetime) -> str:
    return f"'{connection.ops.adapt_datetimefield_value(at)}'"


def _recipients(campaign: Campaign, first_phone: int) -> None:
    assert campaign.audience
    assert campaign.launched_at
    at, pk = _moment(campaign.launched_at), campaign.pk
    columns = {
        "campaign_id": f"{pk}",
        "msisdn": f"CAST({first_phone - 1} + n AS varchar(15))",
        "country": COUNTRY,
        "fields": "'{}'",
        "reference": f"md5('{pk}:' || n)",
        "batch_number": "(n - 1) / 50 + 1",
        "error_code": "CASE WHEN n % 100 = 97 THEN 41 END",
        "reason": (
            "CASE WHEN n % 10000 = 9999 THEN 'unresolved' WHEN n % 100 = 98 THEN 'cancelled' ELSE"
            " '' END"
        ),
        "gateway_id": f"CASE WHEN {ACCEPTED} THEN '{pk}' || n ELSE '' END",
        "currency": f"CASE WHEN {ACCEPTED} AND n % 100 <> 96 THEN 'EUR' ELSE '' END",
        "charged": f"CASE WHEN {ACCEPTED} AND n % 100 <> 96 THEN {PRICE} END",
        "final": "n % 100 < 55 OR n % 100 BETWEEN 80 AND 94",
        "viber_price": f"CASE WHEN {NOT_REACHED} THEN 0 END",
        "sms_price": f"CASE WHEN {BY_SMS} THEN {SMS_PRICE} END",
        "sms_status": f"CASE WHEN {BY_SMS} THEN 'delivered' ELSE '' END",
        "sent_at": f"CASE WHEN {ACCEPTED} THEN {at} END",
        "delivered_at": at,
        "read_at": at,
        "send_state": (
            "CASE WHEN n % 10000 = 9999 THEN 'unresolved' WHEN n % 100 = 97 THEN 'refused'"
            " WHEN n % 100 = 98 THEN 'cancelled' ELSE 'accepted' END"
        ),
        "delivery_state": _fate(1),
        "status": _fate(2),
    }
    _insert(Recipient._meta.db_table, columns, _numbers(campaign.audience))
    _insert(
        Batch._meta.db_table,
        {
            "campaign_id": f"{pk}",
            "number": "n",
            "country": COUNTRY.replace("((n - 1) / 50)", "(n - 1)"),
            "area": "''",
            "size": "50",
            "state": "'done'",
            "token": "''",
            "attempts": "1",
            "asked": "0",
            "held_currency": "''",
            "checks": "4",
            "sent_at": at,
            "first_sent_at": at,
            "done_at": at,
        },
        _numbers(-(-campaign.audience // BATCH)),
    )


def _fate(column: int) -> str:
    cases = " ".join(f"WHEN n % 100 < {fate[0]} THEN '{fate[column]}'" for fate in FATES)
    return f"CASE WHEN n % 10000 = 9999 THEN '' {cases} END"


def _insert(table: str, columns: dict[str, str], source: str) -> None:
    typed = {name: _typed(name, value) for name, value in columns.items()}
    _run(
        f"INSERT INTO {table} ({', '.join(typed)}) SELECT {', '.join(typed.values())} FROM {source}"
    )


def _typed(name: str, value: str) -> str:
    if connection.vendor != "postgresql":
        return value
    if name == "fields":
        return f"{value}::jsonb"
    return f"{value}::timestamptz" if name == "at" or name.endswith("_at") else value


def _entries(campaign: Campaign, last: int) -> None:
    """A charge for everybody who was accepted, an adjustment for whom Viber did not reach, a charge
    for each SMS.

    `last` is the recipient before the campaign's own, whose ids follow in the order of their
    numbers.
    """
    assert campaign.audience
    assert campaign.launched_at
    later = campaign.launched_at + timedelta(days=1)
    charged = f"CASE WHEN n % 100 <> 96 THEN {PRICE} END"
    kinds = (
        ("charge", "viber", campaign.launched_at, charged, ACCEPTED),
        ("adjustment", "viber", later, f"-{PRICE}", NOT_REACHED),
        ("charge", "sms", later, f"{SMS_PRICE}", BY_SMS),
    )
    for kind, channel, at, amount, which in kinds:
        columns = {
            "at": _moment(at),
            "day": _day(at),
            "kind": f"'{kind}'",
            "channel": f"'{channel}'",
            "purpose": "'campaign'",
            "campaign_id": f"{campaign.pk}",
            "recipient_id": f"{last} + n",
            "country": COUNTRY,
            "currency": "CASE WHEN n % 100 = 96 THEN '' ELSE 'EUR' END",
            "amount": amount,
            "settles": "1 = 0",
            "note": "''",
        }
        _insert(LedgerEntry._meta.db_table, columns, f"{_numbers(campaign.audience)} WHERE {which}")


def _day(at: datetime) -> str:
    day: date = at.astimezone(settings.SITE_ZONE).date()
    return f"date '{day}'" if connection.vendor == "postgresql" else f"'{day}'"


def _totals() -> None:
    """As four workers would have left them."""
    keys = "day, campaign_id, purpose, channel, kind, country, currency"
    _run(
        f"INSERT INTO {LedgerTotal._meta.db_table} ({keys}, shard, amount, entries, unknown) SELECT"
        f" {keys}, recipient_id % 4, COALESCE(SUM(amount), 0), COUNT(*), COUNT(*) - COUNT(amount)"
        f" FROM {LedgerEntry._meta.db_table} GROUP BY {keys}, recipient_id % 4"
    )


def _tallies() -> None:
    keys = "campaign_id, country, send_state, reason, delivery_state, status"
    _run(
        f"INSERT INTO {Tally._meta.db_table} ({keys}, error_code, shard, recipients)"
        f" SELECT {keys}, COALESCE(error_code, 0), id % 4, COUNT(*)"
        f" FROM {Recipient._meta.db_table} GROUP BY {keys}, error_code, id % 4"
    )


def _hours(campaigns: list[Campaign]) -> None:
    """Everything happened in the hour of the launch."""
    accepted = Tally.objects.filter(send_state=SendState.ACCEPTED).order_by()
    counted: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for campaign_id, state, people in accepted.values_list("campaign", "delivery_state").annotate(
        Sum("recipients")
    ):
        counted[campaign_id][state] = people
    for campaign in campaigns:
        assert campaign.launched_at
        people = counted[campaign.pk]
        read = people[DeliveryState.READ]
        delivered = read + people[DeliveryState.DELIVERED]
        numbers = {
            Measure.SENT: sum(people.values()), Measure.DELIVERED: delivered, Measure.READ: read,
            Measure.SENT_DELIVERED: delivered, Measure.SENT_READ: read,
        }  # fmt: skip
        HourCount.objects.bulk_create(
            HourCount(
                campaign=campaign,
                measure=measure,
                hour=start_of_hour(campaign.launched_at),
                people=number,
            )
            for measure, number in numbers.items()
        )
