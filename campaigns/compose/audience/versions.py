"""The versions of the data that an audience is made of: equal versions, equal audience.

Lists are told apart by their own columns and by how far their imports have come, which a slice of
an import moves in its transaction. Recipients are told apart by the tallies of their campaigns, of
a later stage and so reached by name: states only move forward, so each move shows there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from campaigns.compose.audience.segments import PERSON_KINDS
from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Condition, ConditionKind, RecipientOutcome
from campaigns.compose.models.segments import BY_TODAY
from campaigns.contacts.models import ContactList, Import, Person, StopListEntry
from campaigns.shared.days import site_today

CLOCK_STEP = timedelta(minutes=10)  # "in the last 30 days" is counted anew so often


@dataclass(frozen=True, slots=True)
class Versions:
    """`settled`: of what people change. `moving`: of what sending and the clock change too."""

    settled: str
    moving: str


def versions_of(audience: Audience) -> Versions:
    """The versions of everything that can change who is in `audience`."""
    conditions = _conditions(audience)
    return Versions(
        settled=_digest(
            [
                _lists(audience),
                _stop_list(),
                [sorted(row.items()) for row in conditions],
                _persons(audience, conditions),
            ]
        ),
        moving=_digest([_outcomes(audience, conditions), _clock(audience, conditions)]),
    )


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()


def _conditions(audience: Audience) -> list[dict[str, Any]]:
    ids = audience.segments + audience.exclude_segments
    if not ids:
        return []
    rows = Condition.objects.filter(segment__in=ids).order_by("segment_id", "place")
    columns = [column.attname for column in Condition._meta.concrete_fields]
    return list(rows.values("segment__match", *(name for name in columns if name != "id")))


def _lists(audience: Audience) -> list[Any]:
    """Segments look at the other lists of a phone too, and exclusions at all of them."""
    lists = ContactList.objects.order_by("pk")
    imports = Import.objects.order_by()
    if audience.has_only_lists and not audience.exclude_segments:
        ids = audience.lists + audience.exclude_lists
        lists, imports = lists.filter(pk__in=ids), imports.filter(list__in=ids)
    rows = lists.values_list("pk", "updated_at", "contact_count")
    return [list(rows), imports.aggregate(n=Count("pk"), rows=Sum("next_row"), last=Max("pk"))]


def _stop_list() -> dict[str, int | None]:
    return StopListEntry.objects.aggregate(n=Count("pk"), last=Max("pk"), ids=Sum("pk"))


def _persons(audience: Audience, conditions: Iterable[dict[str, Any]]) -> dict[str, int | None]:
    """Rows are told apart as on the stop list; each change also raises the version of its row."""
    asks_for_persons = any(row["kind"] in PERSON_KINDS for row in conditions)
    if not asks_for_persons and not audience.needs_consent:
        return {}
    columns = {"n": Count("pk"), "last": Max("pk"), "ids": Sum("pk"), "changes": Sum("version")}
    return Person.objects.aggregate(**columns)


def _clock(audience: Audience, conditions: Iterable[dict[str, Any]]) -> int:
    if not audience.cap and not any(row["days"] for row in conditions):
        by_today = any(row["operator"] in BY_TODAY for row in conditions)
        return site_today().toordinal() if by_today else 0
    return int(timezone.now().timestamp() // CLOCK_STEP.total_seconds())


def _outcomes(audience: Audience, conditions: Iterable[dict[str, Any]]) -> list[Any]:
    history = [row for row in conditions if row["kind"] == ConditionKind.MESSAGES]
    chosen = audience.campaigns + audience.exclude_campaigns
    if not history and not chosen and not audience.cap:
        return []
    campaigns = Q()
    if not audience.cap and all(row["campaign_id"] for row in history):
        ids = {row["campaign_id"] for row in history} | {source for source, _outcome in chosen}
        campaigns = Q(campaign__in=ids)
    outcomes = {row["outcome"] for row in history} | {outcome for _source, outcome in chosen}
    return _recipients(campaigns & ~Q(campaign=audience.own), outcomes)


def _recipients(campaigns: Q, outcomes: set[str]) -> list[Any]:
    """Campaigns with their recipients, how many are in each state, and, where it is asked what is
    final, how often that was asked of the gateway; and clicks where it is asked who clicked.
    """
    snapshots = apps.get_model("campaigns", "Snapshot").objects.filter(campaigns)
    tallies = apps.get_model("campaigns", "Tally").objects.filter(campaigns)
    states = ("campaign", "send_state", "delivery_state", "status")
    rows = [
        snapshots.aggregate(n=Count("pk"), left=Sum("left")),
        list(tallies.values_list(*states).annotate(n=Sum("recipients")).order_by(*states)),
    ]
    if RecipientOutcome.NOT_DELIVERED in outcomes:
        batches = apps.get_model("campaigns", "Batch").objects.filter(campaigns)
        columns = {"n": Count("check_at"), "checks": Sum("checks"), "asked": Max("asked_at")}
        rows.append(batches.aggregate(**columns))
    if RecipientOutcome.CLICKED in outcomes:
        clicks = apps.get_model("campaigns", "Click").objects.filter(campaigns)
        rows.append(clicks.aggregate(n=Count("pk"), last=Max("at")))
    return rows
