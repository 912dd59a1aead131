"""Events of other systems, and the triggers that send a message for each of them."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import Problem, invalid
from campaigns.api.schemas import FIELDS_MAX, Body, FieldValue, Id, Phone, Text
from campaigns.compose.models import EventState, Trigger, TriggerEvent, TriggerState
from campaigns.compose.models.triggers import (
    EVENT_NAME,
    EVENT_NAME_MAX,
    KEY_MAX,
    PEOPLE_MAX,
    PERSON_MAX,
    WAIT_MAX,
)
from campaigns.compose.triggers import arrivals, moves
from campaigns.compose.triggers.arrivals import Arrival, EventRefused, OtherContent
from campaigns.compose.triggers.moves import Limits
from campaigns.compose.triggers.texts import skip_reason
from campaigns.contacts.phones.masking import mask_phone
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Triggers"])
TriggerId = Annotated[Id, Path()]
EventName = Annotated[
    Text,
    Field(max_length=EVENT_NAME_MAX, pattern=f"^{EVENT_NAME}$", examples=["order.paid"]),
]
Key = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=KEY_MAX,
        description="Of the event in your system. An event with the same id is the same event.",
        examples=["order-1042-paid"],
    ),
]
Values = Annotated[
    dict[Text, FieldValue],
    Field(
        max_length=FIELDS_MAX,
        description="Merge tag → value. What the message has no tag for is not kept.",
    ),
]
PerDay = Annotated[int, Field(ge=1, le=PEOPLE_MAX)]
PerPerson = Annotated[int, Field(ge=1, le=PERSON_MAX)]
Hours = Annotated[int, Field(ge=1, le=WAIT_MAX)]


class EventIn(Body):
    event: EventName
    id: Key
    phone: Phone
    values: Values = {}


class EventOut(Schema):
    event: str
    id: str
    trigger_id: int
    phone: Annotated[str, Field(description="+380671234567; masked without `see_phones`.")]
    at: datetime
    state: EventState
    reason: Annotated[str, Field(description="Why it was skipped, for programs; else empty.")]
    reason_text: str
    campaign_id: Annotated[int | None, Field(description="In which its message is sent.")]


class EventPage(Page[EventOut]):
    pass


class EventQuery(PageQuery):
    state: EventState | None = None
    id: Key | None = None


class TriggerOut(Schema):
    id: int
    event: str
    state: TriggerState
    reason: Annotated[str, Field(description="Why ViberDash switched it off; else empty.")]
    draft_id: Annotated[int | None, Field(description="The draft whose message it sends.")]
    people_max: Annotated[int, Field(description="Messages a day.")]
    person_max: Annotated[int, Field(description="Messages to one person a day.")]
    wait_max: Annotated[int, Field(description="Hours an event may wait; then it is skipped.")]


class TriggerPage(Page[TriggerOut]):
    pass


class LimitsIn(Body):
    people_max: PerDay = 1_000
    person_max: PerPerson = 3
    wait_max: Hours = 24


class TriggerIn(LimitsIn):
    event: EventName
    draft_id: Annotated[Id, Field(description="Without a schedule; its audience is not used.")]


@router.post("events", response={201: EventOut, 200: EventOut}, auth=Needs(Permission.SEND_EVENTS))
def send_event(request: HttpRequest, body: EventIn) -> Any:
    """Something happened to a person: the trigger of the event sends its message. An event that
    arrives again sends nothing more, and is answered with what became of it.
    """
    arrival = Arrival(body.event, body.id, body.phone, body.values)
    try:
        event, is_new = arrivals.receive(arrival)
    except EventRefused as refused:
        raise invalid(refused.field, "refused", str(refused)) from None
    except OtherContent:
        text = "An event with this id is there, with another phone or other values."
        raise Problem(409, "conflict", text) from None
    return Status(201 if is_new else 200, _event_out(event, request))


@router.get("triggers", response=TriggerPage, auth=Needs(Permission.VIEW))
def list_triggers(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List triggers."""
    return page(request, visible_to(actor(request), Trigger.objects.all()), query, _trigger_out)


@router.post("triggers", response={201: TriggerOut}, auth=Needs(Permission.SEND))
def create_trigger(request: HttpRequest, body: TriggerIn) -> Any:
    """Make a trigger that is off."""
    limits = _limits(body)
    trigger = moves.set_up(body.draft_id, body.event, limits, actor(request))
    return Status(201, _trigger_out(trigger))


@router.get("triggers/{trigger_id}", response=TriggerOut, auth=Needs(Permission.VIEW))
def get_trigger(request: HttpRequest, trigger_id: TriggerId) -> Any:
    """Get a trigger."""
    return _trigger_out(_get(request, trigger_id, Permission.VIEW))


@router.put(
    "triggers/{trigger_id}/limits",
    summary="Change limits of a trigger",
    response=TriggerOut,
    auth=Needs(Permission.SEND),
)
def set_trigger_limits(request: HttpRequest, trigger_id: TriggerId, body: LimitsIn) -> Any:
    """Change the limits of a trigger, at once."""
    trigger = _get(request, trigger_id)
    moves.change_limits(trigger.pk, _limits(body), actor(request))
    return _trigger_out(_get(request, trigger_id))


@router.post("triggers/{trigger_id}/on", response=TriggerOut, auth=Needs(Permission.SEND))
@own_transactions
def switch_trigger_on(request: HttpRequest, trigger_id: TriggerId) -> Any:
    """Send the message for each event from now on, and for those that wait."""
    moves.switch_on(_get(request, trigger_id).pk, actor(request))
    return _trigger_out(_get(request, trigger_id))


@router.post("triggers/{trigger_id}/off", response=TriggerOut, auth=Needs(Permission.SEND))
def switch_trigger_off(request: HttpRequest, trigger_id: TriggerId) -> Any:
    """Let events wait. What is queued already is sent."""
    moves.switch_off(_get(request, trigger_id).pk, actor(request))
    return _trigger_out(_get(request, trigger_id))


@router.post("triggers/{trigger_id}/end", response=TriggerOut, auth=Needs(Permission.SEND))
def end_trigger(request: HttpRequest, trigger_id: TriggerId) -> Any:
    """End a trigger for good. Events that wait are skipped, and its draft is free."""
    moves.end(_get(request, trigger_id).pk, actor(request))
    return _trigger_out(_get(request, trigger_id))


@router.get("triggers/{trigger_id}/events", response=EventPage, auth=Needs(Permission.VIEW))
def list_events(request: HttpRequest, trigger_id: TriggerId, query: Query[EventQuery]) -> Any:
    """List the events of a trigger, the newest first. They are kept for 30 days."""
    events = TriggerEvent.objects.filter(trigger=_get(request, trigger_id, Permission.VIEW))
    if query.state:
        events = events.filter(state=query.state)
    if query.id:
        events = events.filter(key=query.id)
    return page(request, events, query, lambda event: _event_out(event, request), newest_first=True)


def _get(
    request: HttpRequest, trigger_id: int, permission: Permission = Permission.SEND
) -> Trigger:
    return get_object_for(actor(request), Trigger.objects.all(), permission, pk=trigger_id)


def _limits(body: LimitsIn) -> Limits:
    return Limits(body.people_max, body.person_max, body.wait_max)


def _trigger_out(trigger: Trigger) -> TriggerOut:
    return TriggerOut(
        id=trigger.pk,
        event=trigger.event,
        state=TriggerState(trigger.state),
        reason=trigger.reason,
        draft_id=trigger.draft_id,
        people_max=trigger.people_max,
        person_max=trigger.person_max,
        wait_max=trigger.wait_max,
    )


def _event_out(event: TriggerEvent, request: HttpRequest) -> EventOut:
    sees = sees_phones(actor(request))
    return EventOut(
        event=event.event,
        id=event.key,
        trigger_id=event.trigger_id,
        phone=f"+{event.msisdn}" if sees else mask_phone(event.msisdn),
        at=event.at,
        state=EventState(event.state),
        reason=event.reason,
        reason_text=skip_reason(event.reason),
        campaign_id=event.campaign_id,
    )
