"""Freeze the audience: contacts -> recipients and their batches, a slice at a time, each slice one
transaction.

Everything about a slice is one statement in the database: who is chosen, who is left after the stop
list and those to leave out, the reference, the batch. A slice that is repeated after a crash finds
its rows there and adds nothing. Lists alone are written here as the database takes them fastest.
Whom segments and earlier campaigns mean is asked once a slice, by the condition that counted them
at the review: messages go out meanwhile, and two answers could differ.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import lifecycle
from campaigns.compose.message.render import build
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Contact, ContactList, StopListEntry
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.freeze import areas
from campaigns.dispatch.models import Batch, Recipient, Snapshot
from campaigns.gateway.bsg.client import REHEARSAL_MARK
from campaigns.gateway.limits import MAX_RECIPIENTS

SLICE = 50_000  # contacts; about a second, for which SQLite keeps other writers waiting

CONTACT = Contact._meta.db_table
STOPPED = StopListEntry._meta.db_table
RECIPIENT = Recipient._meta.db_table
BATCH = Batch._meta.db_table


def reference_of(uuid: UUID, msisdn: str, send_number: int = 1, mark: str = "") -> str:
    """The reference of a message: fixed by what it means, so that the gateway refuses a second send
    of it (error 43).

    The twin of `_reference_sql`, for those who have no database at hand. `mark`: that of a
    rehearsal.
    """
    return (mark + hashlib.sha256(f"{uuid.hex}:{msisdn}:{send_number}".encode()).hexdigest())[:32]


def freeze(campaign_id: int, until: datetime, keep: Callable[[], bool] = lambda: True) -> bool:
    """Freeze slice by slice until the moment `until`, while `keep` says to go on. Whether nothing
    is left to do here.

    Only a PREPARING campaign is touched; it is SENDING when its last slice is in.
    """
    while timezone.now() < until and keep():
        with transaction.atomic():
            snapshot = _locked_snapshot(campaign_id)
            campaign = Campaign.objects.get(pk=campaign_id)
            if campaign.state != CampaignState.PREPARING:
                return True
            if snapshot.complete or not _freeze_slice(campaign, snapshot):
                lifecycle.complete_freeze(campaign_id, snapshot.left)
                return True
        failpoint("slice")
    return False


def _locked_snapshot(campaign_id: int) -> Snapshot:
    """The snapshot, for this transaction alone: two workers on one campaign take turns."""
    Snapshot.objects.get_or_create(campaign_id=campaign_id)
    return Snapshot.objects.select_for_update().get(campaign_id=campaign_id)


def _freeze_slice(campaign: Campaign, snapshot: Snapshot) -> bool:
    """Freeze the next slice and move the cursor past it. False when there was none: the snapshot is
    complete.
    """
    audience = Audience.of(campaign, snapshot.begun_at)
    upper, size = _next_slice(audience, snapshot)
    if not size:
        _complete(campaign, snapshot)
        return False
    where = _slice_sql(snapshot, upper)
    if not audience.lists_alone:
        chosen = _ids(audience.in_lists(), snapshot, upper)
        where, size = _among(chosen), len(chosen)
    out = _left_out_sql(audience, snapshot, upper)
    split = areas.splits(campaign, snapshot.list_id)
    if split:
        areas.prepare()
    added = _insert_recipients(campaign, snapshot, where, out, not audience.once, split)
    snapshot.batches = _insert_batches(campaign.pk, snapshot.batches, split)
    snapshot.in_lists += size
    snapshot.left += added
    if added < size:
        stopped, left_out = _who_is_missing(where, out)
        snapshot.stop_listed += stopped
        snapshot.excluded += left_out
        snapshot.repeated += size - added - stopped - left_out
    snapshot.contact_id = upper
    snapshot.save()
    return True


def _complete(campaign: Campaign, snapshot: Snapshot) -> None:
    snapshot.complete = True
    ContactList.objects.filter(pk__in=campaign.lists.values("pk")).update(
        used_at=timezone.now(), used_by=campaign
    )
    places = (
        Batch.objects.filter(campaign=campaign)
        .order_by("country", "area")
        .values_list("country", "area")
    )
    # also without sending hours: they can come later
    snapshot.places = [list(place) for place in places.distinct()]
    snapshot.save(update_fields=["complete", "places"])


def _next_slice(audience: Audience, snapshot: Snapshot) -> tuple[int, int]:
    """The last contact id of the next slice, and how many contacts are in it; moves on to the next
    list after one.
    """
    lists = audience.possible_lists().filter(pk__gte=snapshot.list_id)
    for list_id in lists.order_by("pk").values_list("pk", flat=True):
        if list_id != snapshot.list_id:
            snapshot.list_id, snapshot.contact_id = list_id, 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT MAX(id), COUNT(*) FROM"  # noqa: S608 - names of our own tables
                f" (SELECT id FROM {CONTACT} WHERE list_id = %s AND id > %s ORDER BY id LIMIT %s)"
                " AS slice",
                [list_id, snapshot.contact_id, SLICE],
            )
            upper, size = cursor.fetchone()
        if size:
            return upper, size
    return 0, 0


def _slice_sql(snapshot: Snapshot, upper: int) -> str:
    return f"c.list_id = {snapshot.list_id} AND c.id > {snapshot.contact_id} AND c.id <= {upper}"


def _ids(contacts: QuerySet[Contact], snapshot: Snapshot, upper: int) -> list[int]:
    """Those of the slice who are in `contacts`."""
    found = contacts.filter(list=snapshot.list_id, pk__gt=snapshot.contact_id, pk__lte=upper)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _among(ids: list[int]) -> str:
    return f"c.id IN ({', '.join(map(str, ids))})" if ids else "1 = 0"


_STOPPED = f"EXISTS (SELECT 1 FROM {STOPPED} s WHERE s.msisdn = c.msisdn)"  # noqa: S608


def _left_out_sql(audience: Audience, snapshot: Snapshot, upper: int) -> str:
    if audience.exclude_segments or audience.exclude_campaigns:
        return _among(
            _ids(Contact.objects.filter(reduce(or_, audience.left_out())), snapshot, upper)
        )
    if not audience.exclude_lists:
        return "1 = 0"
    ids = ", ".join(map(str, audience.exclude_lists))
    return f"EXISTS (SELECT 1 FROM {CONTACT} x WHERE x.msisdn = c.msisdn AND x.list_id IN ({ids}))"  # noqa: S608


def _reference_sql(text: str, mark: str) -> str:
    if connection.vendor == "postgresql":
        return f"LEFT('{mark}' || ENCODE(SHA256(CONVERT_TO({text}, 'UTF8')), 'hex'), 32)"
    return f"SUBSTR('{mark}' || SHA256({text}), 1, 32)"  # Django gives SQLite this function


def _fields_sql(names: Iterable[str]) -> str:
    """Of a contact's fields those that the message uses, without those the contact has not."""
    names = sorted(names)  # letters, digits and underscores only: nothing to quote
    if connection.vendor == "postgresql":
        if not names:
            return "'{}'::jsonb"
        pairs = ", ".join(f"'{name}', c.fields -> '{name}'" for name in names)
        return f"JSONB_STRIP_NULLS(JSONB_BUILD_OBJECT({pairs}))"
    if not names:
        return "'{}'"
    pairs = ", ".join(f"'{name}', JSON_EXTRACT(c.fields, '$.\"{name}\"')" for name in names)
    return f"JSON_PATCH('{{}}', JSON_OBJECT({pairs}))"


def _insert_recipients(
    campaign: Campaign, snapshot: Snapshot, where: str, out: str, several: bool, split: bool
) -> int:
    """One statement: the slice's contacts as recipients, in batches of one country each; where
    `split`, of one area.

    How many are new.
    """
    mine = f"r.campaign_id = {int(campaign.pk)} AND r.msisdn = c.msisdn"
    fresh = f"NOT EXISTS (SELECT 1 FROM {RECIPIENT} r WHERE {mine})"  # noqa: S608 - a table of ours, a number
    mark = REHEARSAL_MARK if campaign.is_rehearsal else ""
    area, order = (areas.AREA, "country, area, id") if split else ("''", "country, id")
    alike = f"c.country, {areas.AREA}" if split else "c.country"
    statement = f"""
        INSERT INTO {RECIPIENT} (campaign_id, msisdn, country, fields, reference, batch_number,
            send_state, reason, gateway_id, currency, delivery_state, status, final, sms_status)
        SELECT %s, msisdn, country, fields, reference,
            %s + SUM(CASE WHEN place %% {MAX_RECIPIENTS} = 1 THEN 1 ELSE 0 END)
                -- the same order as the one below: sorted once
                OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING),
            'queued', '', '', '', '', '',
            {"FALSE" if connection.vendor == "postgresql" else "0"}, ''
        FROM (
            SELECT c.id, c.msisdn, c.country, {area} AS area,
                {_fields_sql(build(campaign).names)} AS fields,
                {_reference_sql("%s || c.msisdn || ':1'", mark)} AS reference,
                ROW_NUMBER() OVER (PARTITION BY {alike} ORDER BY c.id) AS place
            FROM {CONTACT} c {areas.joined("c") if split else ""}
            WHERE {where} AND NOT {_STOPPED} AND NOT {out} {"AND " + fresh if several else ""}
        ) AS audience
        ORDER BY {order}"""  # noqa: S608 - names of our own columns, numbers
    params = [campaign.pk, snapshot.batches, f"{campaign.uuid.hex}:"]
    # Somebody of the slice is there already only if they left the list and came back meanwhile, so
    # that looking for it at each row, a sixth of the time, is left until the index has said so.
    try:
        with transaction.atomic():
            return _inserted(statement, params)
    except IntegrityError:
        return _inserted(f"{statement} ON CONFLICT (msisdn, campaign_id) DO NOTHING", params)


def _inserted(statement: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def _insert_batches(campaign_id: int, last: int, split: bool) -> int:
    """The batches of the recipients that came in after batch number `last`. The last number now."""
    area = f"MIN({areas.AREA})" if split else "''"  # the same for all of a batch
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {BATCH}
                    (campaign_id, number, country, area, size, state, token, attempts, asked,
                    checks, held_currency)
                SELECT r.campaign_id, r.batch_number, r.country, {area}, COUNT(*), 'ready', '',
                    0, 0, 0, ''
                FROM {RECIPIENT} r {areas.joined("r") if split else ""}
                WHERE r.campaign_id = %s AND r.batch_number > %s
                GROUP BY r.campaign_id, r.batch_number, r.country
                ORDER BY r.batch_number""",  # noqa: S608 - names of our own tables
            [campaign_id, last],
        )
    return Batch.objects.filter(campaign_id=campaign_id).aggregate(last=Max("number"))["last"] or 0


def _who_is_missing(where: str, out: str) -> tuple[int, int]:
    """Of a slice's contacts: how many are on the stop list, and how many others are to be left
    out.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"""SELECT COALESCE(SUM(CASE WHEN {_STOPPED} THEN 1 ELSE 0 END), 0),
                    COALESCE(SUM(CASE WHEN NOT {_STOPPED} AND {out} THEN 1 ELSE 0 END), 0)
                FROM {CONTACT} c WHERE {where}""")  # noqa: S608 - names of our own tables
        stopped, gone = cursor.fetchone()
    return int(stopped), int(gone)
