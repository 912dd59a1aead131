"""How many events of a trigger are in each state, without reading all of them."""

from dataclasses import dataclass

from django.db.models import Count

from campaigns.compose.models import EventState, Trigger, TriggerEvent

NEWEST = 10_000


@dataclass(frozen=True, slots=True)
class EventCounts:
    """`waiting`: of all events, by an index of their own. `taken` and `skipped`: of all, or of the
    NEWEST where `is_bounded`.
    """

    waiting: int
    taken: int
    skipped: int
    is_bounded: bool


def count_events(trigger: Trigger) -> EventCounts:
    """The counts of `trigger`: a busy one has millions of events."""
    events = TriggerEvent.objects.filter(trigger=trigger)
    newest = events.order_by("-pk").values("pk")[:NEWEST]
    by_state = TriggerEvent.objects.filter(pk__in=newest).order_by().values_list("state")
    counts = dict.fromkeys(EventState.values, 0) | dict(by_state.annotate(Count("pk")))
    return EventCounts(
        waiting=events.filter(state=EventState.WAITING).count(),
        taken=counts[EventState.TAKEN],
        skipped=counts[EventState.SKIPPED],
        is_bounded=sum(counts.values()) == NEWEST,
    )
