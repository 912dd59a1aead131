"""What is reserved in the budgets for messages under way, always worked out from their rows.

`Batch.worst_case` is the most that one of its recipients can cost: the Viber message and all parts
of the SMS that may follow, since a gateway may charge both. `Batch.held` is the sum over its
recipients of what each can still cost:

- queued, while the batch is being sent or its outcome is unknown: the worst case;
- accepted, with a price that is not known, or with an SMS that may still follow: the worst case
  less the prices that are known in the currency of the batch;
- everybody else: nothing.

An SMS may follow while polling asks for the message, its status is not final, and Viber has not
delivered it. `held` is calculated anew after each change of the rows; nothing is ever added to it
or taken from it, so it cannot drift. What a budget has reserved is the sum over its batches, read
whenever it is needed: there is no running total. `manage.py rebuild_totals` compares and repairs.

Batches that left without a budget have no worst case and hold nothing. Those that the version
before reserved have a hold and no worst case: they keep it until nothing in them is under way.
"""

from collections.abc import Collection

from django.db import connection

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import (
    SEVERAL_CURRENCIES,
    Batch,
    BatchState,
    DeliveryState,
    Recipient,
    SendState,
)

BATCH = Batch._meta.db_table
RECIPIENT = Recipient._meta.db_table
CAMPAIGN = Campaign._meta.db_table

# b: the batch, r: one of its recipients, c: the campaign
_ON_THE_WAY = (
    f"r.send_state = '{SendState.QUEUED.value}'"
    f" AND b.state IN ('{BatchState.SENDING.value}', '{BatchState.AMBIGUOUS.value}')"
)
_PRICE_UNKNOWN = (
    "COALESCE(r.viber_price, r.charged) IS NULL OR (r.sms_status <> '' AND r.sms_price IS NULL"
    f" AND r.sms_currency <> '{SEVERAL_CURRENCIES}')"
)
_SMS_MAY_FOLLOW = (
    "c.sms_text <> '' AND NOT r.final AND r.delivery_state NOT IN"
    f" ('{DeliveryState.DELIVERED.value}', '{DeliveryState.READ.value}')"
    " AND (b.checks = 0 OR b.check_at IS NOT NULL)"
)
_OPEN = f"r.send_state = '{SendState.ACCEPTED.value}' AND ({_PRICE_UNKNOWN} OR ({_SMS_MAY_FOLLOW}))"
_KNOWN = (
    "CASE WHEN r.currency = b.held_currency THEN COALESCE(r.viber_price, r.charged, 0) ELSE 0 END"
    " + CASE WHEN COALESCE(NULLIF(r.sms_currency, ''), r.currency) = b.held_currency"
    " THEN COALESCE(r.sms_price, 0) ELSE 0 END"
)
_OF_ONE = (
    f"CASE WHEN {_ON_THE_WAY} THEN b.worst_case"
    f" WHEN ({_OPEN}) AND b.worst_case > {_KNOWN} THEN b.worst_case - ({_KNOWN}) ELSE 0 END"
)
_UNDER_WAY = f"CASE WHEN ({_ON_THE_WAY}) OR ({_OPEN}) THEN 1 ELSE 0 END"
# What a batch holds by its rows, in ten-millionths; NULL: nothing.
_HELD = f"""(
    SELECT CASE WHEN b.worst_case IS NOT NULL THEN NULLIF(SUM({_OF_ONE}), 0)
        WHEN SUM({_UNDER_WAY}) > 0 THEN b.held END
    FROM {RECIPIENT} r JOIN {CAMPAIGN} c ON c.id = r.campaign_id
    WHERE r.campaign_id = b.campaign_id AND r.batch_number = b.number)"""  # noqa: S608 - own names
_RECOMPUTE = (
    f"UPDATE {BATCH} AS b SET held = {_HELD}"  # noqa: S608 - names of our own columns
    " WHERE (b.worst_case IS NOT NULL OR b.held IS NOT NULL)"
)
_WRONG = f"""
    SELECT * FROM (
        SELECT b.campaign_id AS campaign, b.number AS number, b.held AS held,
            {_HELD} AS expected
        FROM {BATCH} b WHERE b.worst_case IS NOT NULL OR b.held IS NOT NULL) AS holds
    WHERE COALESCE(held, 0) <> COALESCE(expected, 0) ORDER BY campaign, number"""  # noqa: S608


def recompute(batch_ids: Collection[int]) -> None:
    """Write what each of these batches holds by its rows. Call it in the transaction that changed
    the rows. Batches without a budget are not touched.
    """
    if batch_ids:
        ids = ", ".join(str(batch_id) for batch_id in batch_ids)
        _execute(f"{_RECOMPUTE} AND b.id IN ({ids})")


def recompute_all() -> None:
    """Write what every batch holds by its rows."""
    _execute(_RECOMPUTE)


def wrong_holds() -> list[tuple[int, int, int | None, int | None]]:
    """Campaign, number, hold and hold by its rows of each batch where these differ; the amounts in
    ten-millionths.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WRONG)
        return [
            (campaign, number, held, None if expected is None else int(expected))
            for campaign, number, held, expected in cursor.fetchall()
        ]


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
