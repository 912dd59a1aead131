"""Freeze the audience: turn contacts into recipients and batches, slice by slice.

Each slice is one transaction, and the work on it is one statement in the database: who is chosen,
who remains after the stop list and the exclusions, the references, the batches. A slice that is
repeated after a crash finds its rows there and adds nothing. For audiences of lists alone the
statement reads the lists directly, which is fastest. Segments and earlier campaigns are evaluated
once for a slice, by the condition that counted them at the review: messages go out meanwhile, and
two evaluations could differ.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from campaigns.compose.audience import frequency_cap
from campaigns.compose.audience.merge_values import with_values
from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import lifecycle
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Contact, ContactList, Person, StopListEntry
from campaigns.contacts.undo.outcomes import wait_for_undo
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.freeze import areas, division
from campaigns.dispatch.freeze.shown_fields import FieldsSql, fields_sql
from campaigns.dispatch.models import Batch, Recipient, Snapshot
from campaigns.gateway.bsg.client import REHEARSAL_MARK
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.shared.brands.scope import acting_for, shared_condition

SLICE_SIZE = 50_000  # contacts; about a second, in which other writers wait on SQLite

CONTACT = Contact._meta.db_table
PERSON = Person._meta.db_table
STOP_LIST = StopListEntry._meta.db_table
RECIPIENT = Recipient._meta.db_table
BATCH = Batch._meta.db_table


def reference_of(uuid: UUID, msisdn: str, send_number: int = 1, mark: str = "") -> str:
    """The reference of a message, always the same for the same campaign, phone and send number.

    So the gateway refuses a second send of it (error 43). `mark`: the prefix of a rehearsal's
    references. `_reference_sql` computes the same in the database.
    """
    return (mark + hashlib.sha256(f"{uuid.hex}:{msisdn}:{send_number}".encode()).hexdigest())[:32]


def freeze(
    campaign_id: int, until: datetime, keep_going: Callable[[], bool] = lambda: True
) -> bool:
    """Freeze slice by slice until the moment `until`, while `keep_going()`.

    Returns whether nothing is left to do. Only a PREPARING campaign is touched; it is SENDING
    after its last slice.
    """
    brand_id = Campaign.objects.values_list("brand", flat=True).get(pk=campaign_id)
    with acting_for(brand_id):
        return _freeze(campaign_id, until, keep_going)


def _freeze(campaign_id: int, until: datetime, keep_going: Callable[[], bool]) -> bool:
    while timezone.now() < until and keep_going():
        # Committed before the state is read: who sees the campaign paused and no snapshot of it
        # can make it a draft again (state_changes.is_unprepared), as no slice is under way.
        Snapshot.objects.get_or_create(campaign_id=campaign_id)
        with transaction.atomic():
            snapshot = _lock_snapshot(campaign_id)
            wait_for_undo()
            campaign = Campaign.objects.get(pk=campaign_id)
            if snapshot is None or campaign.state != CampaignState.PREPARING:
                if snapshot and not (snapshot.list_id or snapshot.complete):  # nothing is frozen
                    snapshot.delete()
                return True
            frequency_cap.lock(campaign)
            if snapshot.complete or not _freeze_slice(campaign, snapshot):
                lifecycle.complete_freeze(campaign_id, snapshot.left)
                return True
        failpoint("slice")
    return False


def _lock_snapshot(campaign_id: int) -> Snapshot | None:
    """Lock the snapshot for this transaction: two workers on one campaign take turns. None if
    another worker deleted it, because the campaign is not being prepared any more.
    """
    return Snapshot.objects.select_for_update().filter(campaign_id=campaign_id).first()


def _freeze_slice(campaign: Campaign, snapshot: Snapshot) -> bool:
    """Freeze the next slice and move the cursor past it.

    Returns False when there was none: the snapshot is complete.
    """
    audience = Audience.of(campaign, snapshot.begun_at)
    upper, size = _next_slice(audience, snapshot)
    if not size:
        _complete_snapshot(campaign, snapshot)
        return False
    chosen = _slice_sql(snapshot, upper)
    if campaign.test_contacts is not None or not audience.has_only_lists:
        ids = _slice_contact_ids(_chosen_contacts(campaign, audience), snapshot, upper)
        chosen, size = _id_condition(ids), len(ids)
    excluded = _excluded_sql(audience, snapshot, upper)
    consent = _consent_sql(campaign) if audience.needs_consent else ""
    capped = _capped_sql(audience, snapshot, upper)
    reasons = filter(None, (excluded, f"NOT {consent}" if consent else "", capped))
    left_out = f"({' OR '.join(reasons)})"
    by_area = areas.must_split_by_area(campaign, snapshot.list_id)
    if by_area:
        areas.create_area_table()
    added = _insert_recipients(campaign, audience, snapshot, chosen, left_out, by_area)
    snapshot.batches = _insert_batches(campaign, snapshot.batches, by_area)
    snapshot.in_lists += size
    snapshot.left += added
    if added < size:
        missing = _count_missing(chosen, excluded, consent, capped)
        snapshot.stop_listed += missing.stop_listed
        snapshot.excluded += missing.excluded
        snapshot.without_consent += missing.without_consent
        snapshot.capped += missing.capped
        snapshot.repeated += size - added - sum(missing)
    snapshot.contact_id = upper
    snapshot.save()
    return True


def _chosen_contacts(campaign: Campaign, audience: Audience) -> QuerySet[Contact]:
    """The contacts that the audience selects; of a test, those that were on its list at the launch.

    Its list can be filled meanwhile, and nobody reviewed or counted the others.
    """
    if campaign.test_contacts is not None:
        return Contact.objects.filter(pk__in=campaign.test_contacts)
    return audience.selected_contacts()


def _complete_snapshot(campaign: Campaign, snapshot: Snapshot) -> None:
    snapshot.complete = True
    ContactList.objects.filter(pk__in=campaign.lists.values("pk")).update(
        used_at=timezone.now(), used_by=campaign
    )
    places = (
        Batch.objects.filter(campaign=campaign)
        .order_by("country", "area")
        .values_list("country", "area")
    )
    # Also without sending hours, since they can be set later.
    snapshot.places = [list(place) for place in places.distinct()]
    snapshot.save(update_fields=["complete", "places"])


def _next_slice(audience: Audience, snapshot: Snapshot) -> tuple[int, int]:
    """The last contact id of the next slice, and how many contacts are in it; (0, 0) at the end.

    Moves the snapshot on to the next list after the last slice of one.
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
                [list_id, snapshot.contact_id, SLICE_SIZE],
            )
            upper, size = cursor.fetchone()
        if size:
            return upper, size
    return 0, 0


def _slice_sql(snapshot: Snapshot, upper: int) -> str:
    return f"c.list_id = {snapshot.list_id} AND c.id > {snapshot.contact_id} AND c.id <= {upper}"


def _slice_contact_ids(contacts: QuerySet[Contact], snapshot: Snapshot, upper: int) -> list[int]:
    """The ids of those `contacts` that are in the slice."""
    in_slice = contacts.filter(list=snapshot.list_id, pk__gt=snapshot.contact_id, pk__lte=upper)
    return list(in_slice.order_by("pk").values_list("pk", flat=True))


def _id_condition(ids: list[int]) -> str:
    return f"c.id IN ({', '.join(map(str, ids))})" if ids else "1 = 0"


def _stopped_sql() -> str:
    """The condition on a contact `c` whose phone the brand, or all brands, stopped."""
    of_brand = shared_condition("s.")
    return f"EXISTS (SELECT 1 FROM {STOP_LIST} s WHERE s.msisdn = c.msisdn AND {of_brand})"  # noqa: S608 - our own table, a number


def _excluded_sql(audience: Audience, snapshot: Snapshot, upper: int) -> str:
    if audience.exclude_segments or audience.exclude_campaigns:
        return _id_condition(
            _slice_contact_ids(
                Contact.objects.filter(reduce(or_, audience.exclusions())), snapshot, upper
            )
        )
    if not audience.exclude_lists:
        return "1 = 0"
    ids = ", ".join(map(str, audience.exclude_lists))
    return f"EXISTS (SELECT 1 FROM {CONTACT} x WHERE x.msisdn = c.msisdn AND x.list_id IN ({ids}))"  # noqa: S608


def _consent_sql(campaign: Campaign) -> str:
    """The condition on a contact `c` who agreed to get messages of the brand."""
    given = f"p.brand_id = {campaign.brand_id:d} AND p.consent = 'given'"
    return f"EXISTS (SELECT 1 FROM {PERSON} p WHERE p.msisdn = c.msisdn AND {given})"  # noqa: S608 - our own table, a number


def _capped_sql(audience: Audience, snapshot: Snapshot, upper: int) -> str:
    """The condition on contacts of the slice who have reached the frequency cap; "": nobody has."""
    condition = audience.capped()
    if condition is None:
        return ""
    ids = _slice_contact_ids(Contact.objects.filter(condition), snapshot, upper)
    return _id_condition(ids) if ids else ""


def _reference_sql(text: str, mark: str) -> str:
    if connection.vendor == "postgresql":
        return f"LEFT('{mark}' || ENCODE(SHA256(CONVERT_TO({text}, 'UTF8')), 'hex'), 32)"
    return f"SUBSTR('{mark}' || SHA256({text}), 1, 32)"  # Django gives SQLite this function


def _recipients_sql(
    campaign: Campaign,
    audience: Audience,
    contacts: str,
    fields: FieldsSql,
    chosen: str,
    excluded: str,
    by_area: bool,
) -> str:
    """The INSERT of the contacts of a slice; see `_insert_recipients`."""
    same_phone = f"r.campaign_id = {int(campaign.pk)} AND r.msisdn = c.msisdn"
    is_new = f"NOT EXISTS (SELECT 1 FROM {RECIPIENT} r WHERE {same_phone})"  # noqa: S608 - a table of ours, a number
    mark = REHEARSAL_MARK if campaign.is_rehearsal else ""
    area, order = (areas.AREA_SQL, "country, area, id") if by_area else ("''", "country, id")
    group = f"c.country, {areas.AREA_SQL}" if by_area else "c.country"
    place = f",\n                ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY c.id) AS place"
    if campaign.variants:
        place, order = "", f"variant, {order}"
    audience_sql = f"""
            SELECT c.id, c.msisdn, c.country, {area} AS area,
                {fields.value} AS fields,
                {_reference_sql("%s || c.msisdn || ':1'", mark)} AS reference{place}
            FROM ({contacts}) c {areas.join_sql("c") if by_area else ""} {fields.join}
            WHERE {chosen} AND NOT {_stopped_sql()} AND NOT {excluded}
                {"" if audience.has_no_duplicates else "AND " + is_new}
        """  # noqa: S608 - names of our own columns, numbers
    if campaign.variants:
        audience_sql = division.divided_sql(campaign, audience_sql)
    return f"""
        INSERT INTO {RECIPIENT} (campaign_id, msisdn, country, fields, reference, batch_number,
            send_state, reason, gateway_id, currency, delivery_state, status, final, sms_status)
        SELECT %s, msisdn, country, fields, reference,
            %s + SUM(CASE WHEN place %% {MAX_RECIPIENTS} = 1 THEN 1 ELSE 0 END)
                -- the same order as the one below: sorted once
                OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING),
            'queued', '', '', '', '', '',
            {"FALSE" if connection.vendor == "postgresql" else "0"}, ''
        FROM ({audience_sql}) AS audience
        ORDER BY {order}"""  # noqa: S608 - names of our own columns, numbers


def _insert_recipients(
    campaign: Campaign,
    audience: Audience,
    snapshot: Snapshot,
    chosen: str,
    excluded: str,
    by_area: bool,
) -> int:
    """Insert the contacts of a slice as recipients, by one statement; return how many are new.

    `chosen` and `excluded` are SQL conditions on the contact `c`. Batches hold one country each;
    `by_area`: one area each.
    """
    rows = with_values(Contact.objects.order_by(), audience, compile_message(campaign).names)
    contacts = rows.contacts.values_list("id", "list_id", "msisdn", "country", *rows.columns)
    contacts_sql, values = contacts.query.sql_with_params()
    fields = fields_sql(rows, contacts_sql, values, chosen)
    statement = _recipients_sql(campaign, audience, contacts_sql, fields, chosen, excluded, by_area)
    params = [campaign.pk, snapshot.batches, f"{campaign.uuid.hex}:", *values, *fields.params]
    # In an audience without duplicates a phone can be there already only if it left the list and
    # came back meanwhile. Checking that for each row takes a sixth of the time, so the statement
    # runs without the check first.
    try:
        with transaction.atomic():
            return _execute_insert(statement, params)
    except IntegrityError:
        return _execute_insert(f"{statement} ON CONFLICT (msisdn, campaign_id) DO NOTHING", params)


def _execute_insert(statement: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def _insert_batches(campaign: Campaign, last: int, by_area: bool) -> int:
    """Insert the batches of recipients after batch number `last`; return the new last number."""
    column, variant, state = "", "", "'ready'"
    if campaign.variants:
        variant, state = division.batch_columns_sql(campaign)
        column, variant = ", variant", f", {variant}"
    area = f"MIN({areas.AREA_SQL})" if by_area else "''"  # the same for all of a batch
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {BATCH}
                    (campaign_id, number, country, area, size, state, token, attempts, asked,
                    checks, held_currency{column})
                SELECT r.campaign_id, r.batch_number, r.country, {area}, COUNT(*), {state}, '',
                    0, 0, 0, ''{variant}
                FROM {RECIPIENT} r {areas.join_sql("r") if by_area else ""}
                WHERE r.campaign_id = %s AND r.batch_number > %s
                GROUP BY r.campaign_id, r.batch_number, r.country
                ORDER BY r.batch_number""",  # noqa: S608 - names of our own tables
            [campaign.pk, last],
        )
    return Batch.objects.filter(campaign=campaign).aggregate(last=Max("number"))["last"] or 0


class _Missing(NamedTuple):
    """Contacts of a slice who are no recipients, each counted once, by the first reason."""

    stop_listed: int
    excluded: int
    without_consent: int
    capped: int


def _count_missing(chosen: str, excluded: str, consent: str, capped: str) -> _Missing:
    """Count the contacts of a slice that stop list, exclusions, consent and frequency cap leave
    out. `consent` and `capped` are "" where they leave out nobody.
    """
    reasons = [_stopped_sql(), excluded, f"NOT {consent}" if consent else "", capped]
    earlier, sums = list[str](), list[str]()
    for reason in reasons:
        fits = " AND ".join([*earlier, reason]) if reason else ""
        sums.append(f"COALESCE(SUM(CASE WHEN {fits} THEN 1 ELSE 0 END), 0)" if fits else "0")
        earlier += [f"NOT ({reason})"] if reason else []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(sums)} FROM {CONTACT} c WHERE {chosen}")  # noqa: S608 - names of our own tables
        return _Missing(*map(int, cursor.fetchone()))
