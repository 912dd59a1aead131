"""Segments: saved conditions on contacts. The form of the page checks them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.etags import etag, require_match, send
from campaigns.api.form_values import field_errors, refuse
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.schemas import Body, Id, Name, Text
from campaigns.compose.audience import segments
from campaigns.compose.audience.condition_values import DAYS_MAX
from campaigns.compose.audience.segments import ConditionSet
from campaigns.compose.library.segments import delete_segment
from campaigns.compose.models import (
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.compose.pages.segment_forms import (
    COLUMNS,
    ROWS_MAX,
    UNKNOWN,
    ConditionForm,
    SegmentForm,
)
from campaigns.contacts.models import Consent
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.shared.text import without_nul
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Segments"])
EDIT = Needs(Permission.EDIT_CONTACTS)
SegmentId = Annotated[Id, Path()]
Negated = Annotated[bool, Field(description="Whether it is to be otherwise.")]
# fields of the form that are called otherwise in JSON
NAMES = {"list": "list_id", "source": "import_id", "campaign": "campaign_id", "sender": "sender_id"}
VALUE_MAX = 200


class FieldCondition(Body):
    """A merge tag compares with `value`, which is read as on the page; some operators take none."""

    kind: Literal["field"]
    field: Annotated[Text, Field(min_length=1, max_length=100)]
    operator: Operator
    value: Annotated[Text, Field(max_length=VALUE_MAX)] = ""


class CountryCondition(Body):
    kind: Literal["country"]
    negated: Negated = False
    countries: Annotated[
        list[Annotated[str, Field(pattern="^([A-Z]{2})?$")]],
        Field(min_length=1, max_length=300, description='Codes; "" is an unknown country.'),
    ]


class ListCondition(Body):
    kind: Literal["list"]
    negated: Negated = False
    list_id: Id


class ImportCondition(Body):
    kind: Literal["import"]
    negated: Negated = False
    import_id: Id


class MessagesCondition(Body):
    """What a phone got: of a campaign or of any, from a sender or from any, in the last days."""

    kind: Literal["messages"]
    negated: Negated = False
    outcome: RecipientOutcome
    campaign_id: Id | None = None
    sender_id: Id | None = None
    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] | None = None


class ConsentCondition(Body):
    kind: Literal["consent"]
    negated: Negated = False
    value: Consent


class LanguageCondition(Body):
    kind: Literal["language"]
    negated: Negated = False
    value: Annotated[Text, Field(max_length=35, description='A tag such as uk; "": not known.')]


class TopicCondition(Body):
    kind: Literal["topic"]
    negated: Negated = False
    value: Annotated[Text, Field(min_length=1, max_length=50, description="One that is in use.")]


AnyCondition = Annotated[
    FieldCondition
    | CountryCondition
    | ListCondition
    | ImportCondition
    | MessagesCondition
    | ConsentCondition
    | LanguageCondition
    | TopicCondition,
    Field(discriminator="kind"),
]
Conditions = Annotated[list[AnyCondition], Field(min_length=1, max_length=ROWS_MAX)]


class SegmentOut(Schema):
    id: int
    name: str
    match: Match
    conditions: list[AnyCondition]
    contacts: Annotated[int | None, Field(description="When they were last counted.")]
    counted_at: datetime | None
    created_at: datetime
    updated_at: datetime


class SegmentPage(Page[SegmentOut]):
    pass


class SegmentQuery(PageQuery):
    q: Annotated[str, Field(max_length=100, description="A part of the name.")] = ""


class ConditionsIn(Body):
    match: Match = Match.ALL
    conditions: Conditions


class SegmentIn(ConditionsIn):
    name: Name


class SegmentChanges(Body):
    name: Name | None = None
    match: Match | None = None
    conditions: Annotated[
        Conditions | None, Field(description="All of them: they replace those of the segment.")
    ] = None


class CountOut(Schema):
    contacts: Annotated[int, Field(description="Phones that meet the conditions now.")]
    incomparable: Annotated[
        int, Field(description="Contacts whose value is no number or date, as one asks for.")
    ]


@router.get("segments", response=SegmentPage, auth=Needs(Permission.VIEW))
def list_segments(request: HttpRequest, query: Query[SegmentQuery]) -> Any:
    """The segments of the brand, the oldest first."""
    rows = visible_to(actor(request), Segment.objects.prefetch_related("conditions"))
    if query.q:
        rows = rows.filter(name__folded_contains=without_nul(query.q))
    return page(request, rows, query, lambda row: segment_out(row, actor(request)))


@router.post("segments", response={201: SegmentOut}, auth=EDIT)
def create_segment(request: HttpRequest, body: SegmentIn, response: HttpResponse) -> Any:
    """A new segment."""
    form = _form(Segment(), body.name, body.match, body.conditions)
    return Status(201, _saved(request, form, response))


@router.post(
    "segments/count",
    summary="Count the contacts that meet conditions",
    response=CountOut,
    auth=EDIT,
)
def count_conditions(request: HttpRequest, body: ConditionsIn) -> Any:
    """How many contacts meet conditions, without saving them."""
    choice = _form(Segment(), "-", body.match, body.conditions).choice
    return CountOut(
        contacts=segments.count_contacts(choice), incomparable=segments.count_incomparable(choice)
    )


@router.get("segments/{segment_id}", response=SegmentOut, auth=Needs(Permission.VIEW))
def get_segment(request: HttpRequest, segment_id: SegmentId, response: HttpResponse) -> Any:
    """One segment."""
    return _shown(request, _get(request, segment_id, Permission.VIEW), response)


@router.patch("segments/{segment_id}", response={200: SegmentOut, 412: None}, auth=EDIT)
def change_segment(
    request: HttpRequest, segment_id: SegmentId, body: SegmentChanges, response: HttpResponse
) -> Any:
    """Change the name of a segment, its conditions, or how they combine."""
    _get(request, segment_id)
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    require_match(request, _tag(segment))
    present = [condition_out(condition) for condition in segment.conditions.all()]
    form = _form(
        segment,
        segment.name if body.name is None else body.name,
        body.match or segment.match,
        present if body.conditions is None else body.conditions,
    )
    return _saved(request, form, response)


@router.delete("segments/{segment_id}", response={204: None}, auth=EDIT)
def remove_segment(request: HttpRequest, segment_id: SegmentId) -> Any:
    """Delete a segment. Refused while a campaign needs it. No contacts are deleted."""
    delete_segment(_get(request, segment_id), actor(request))
    return Status(204, None)


@router.post("segments/{segment_id}/duplicate", response={201: SegmentOut}, auth=EDIT)
def duplicate_segment(request: HttpRequest, segment_id: SegmentId, response: HttpResponse) -> Any:
    """A copy of a segment, under a name that is not in use."""
    copy = segments.duplicate(_get(request, segment_id), actor(request))
    return Status(201, _shown(request, copy, response))


@router.get(
    "segments/{segment_id}/count",
    summary="Count the contacts of a segment",
    response=CountOut,
    auth=Needs(Permission.VIEW),
)
def count_segment(request: HttpRequest, segment_id: SegmentId) -> Any:
    """How many contacts are in a segment now."""
    segment = _get(request, segment_id, Permission.VIEW)
    return CountOut(
        contacts=segments.recount(segment),
        incomparable=segments.count_incomparable(ConditionSet.of(segment)),
    )


def condition_out(condition: Condition) -> Any:
    """A stored condition as JSON has it."""
    kind = ConditionKind(condition.kind)
    values: dict[str, Any] = {"kind": kind.value}
    for column in COLUMNS[kind]:
        if column == "verdict":
            values |= {"outcome": condition.outcome, "negated": condition.negated}
        elif column in NAMES:
            values[NAMES[column]] = getattr(condition, f"{column}_id")
        else:
            values[column] = getattr(condition, column)
    return SCHEMAS[kind].model_construct(**values)


SCHEMAS: dict[ConditionKind, type[Body]] = {
    ConditionKind.FIELD: FieldCondition,
    ConditionKind.COUNTRY: CountryCondition,
    ConditionKind.LIST: ListCondition,
    ConditionKind.IMPORT: ImportCondition,
    ConditionKind.MESSAGES: MessagesCondition,
    ConditionKind.CONSENT: ConsentCondition,
    ConditionKind.LANGUAGE: LanguageCondition,
    ConditionKind.TOPIC: TopicCondition,
}


def segment_out(segment: Segment, user: User) -> SegmentOut:
    """A segment as `user` sees it."""
    conditions = [condition_out(condition) for condition in segment.conditions.all()]
    if not sees_phones(user):
        for condition in conditions:
            if isinstance(condition, FieldCondition):
                condition.value = mask_phones_in(condition.value)
    return SegmentOut(
        id=segment.pk,
        name=segment.name,
        match=Match(segment.match),
        conditions=conditions,
        contacts=segment.people,
        counted_at=segment.counted_at,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


def _form(segment: Segment, name: str, match: str, conditions: Sequence[Any]) -> SegmentForm:
    """The form of the page with these values, which are valid. Raises Problem otherwise."""
    data = QueryDict(mutable=True)
    data.update({"name": name, "match": match})
    for place, condition in enumerate(conditions):
        _post(data, f"c{place}", condition)
    form = SegmentForm(data, instance=segment)
    stored = list(segment.conditions.all()) if segment.pk else []
    rows = []
    for place, condition in enumerate(conditions):
        # one that is stored may name what a new one can't choose any more, such as an old import
        same = next((row for row in stored if condition_out(row) == condition), None)
        kind, key = ConditionKind(condition.kind), f"c{place}"
        rows.append((key, ConditionForm(kind, data, prefix=key, instance=same)))
    form.rows = rows
    errors = [] if form.is_valid() else field_errors(form)
    for place, (_key, row) in enumerate(rows):
        if not row.is_valid():
            paths = NAMES | {"verdict": "outcome"}
            errors += field_errors(row, paths, f"conditions.{place}.")
    refuse(errors)
    return form


def _post(data: QueryDict, key: str, condition: Any) -> None:
    """Add a condition as the page posts it."""
    kind = ConditionKind(condition.kind)
    for column in COLUMNS[kind]:
        name = f"{key}-{column}"
        if column == "verdict":
            data[name] = condition.outcome + ("!" if condition.negated else "")
            continue
        value = getattr(condition, NAMES.get(column, column))
        if column == "countries":
            data.setlist(name, [code or UNKNOWN for code in value])
        elif column == "value" and kind == ConditionKind.LANGUAGE:
            data[name] = value or UNKNOWN
        elif value is not None:
            data[name] = str(value)


def _saved(request: HttpRequest, form: SegmentForm, response: HttpResponse) -> SegmentOut:
    segment = form.save(commit=False)
    segments.save(segment, form.choice.conditions, actor(request))
    return _shown(request, _get(request, segment.pk), response)


def _get(
    request: HttpRequest, segment_id: int, permission: Permission = Permission.EDIT_CONTACTS
) -> Segment:
    return get_object_for(actor(request), Segment.objects.all(), permission, pk=segment_id)


def _tag(segment: Segment) -> str:
    return etag("segment", segment.pk, segment.updated_at.isoformat())


def _shown(request: HttpRequest, segment: Segment, response: HttpResponse) -> SegmentOut:
    send(response, _tag(segment))
    return segment_out(segment, actor(request))
