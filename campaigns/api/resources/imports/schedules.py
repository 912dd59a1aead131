"""Addresses that are imported again and again."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import Problem
from campaigns.api.resources.imports.shown_imports import get_import
from campaigns.api.schemas import CLOCK, Body, Id
from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.models import ImportRhythm, ImportSchedule
from campaigns.contacts.fetching.share_links import shown_address
from campaigns.contacts.pages.imports.source_forms import ScheduleForm
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to
from campaigns.team.time_zones import reader_zone

router = Router(tags=["Import schedules"])
EDIT = Needs(Permission.EDIT_CONTACTS)
ScheduleId = Annotated[Id, Path()]


class ScheduleOut(Schema):
    id: int
    address: Annotated[str, Field(description="Host and file name.")]
    list_id: int | None
    list_name: str
    rhythm: ImportRhythm
    at: Annotated[str | None, Field(description="Such as 08:00:00, in the time zone of the owner.")]
    weekday: Annotated[int, Field(description="0 is Monday; for every week.")]
    max_rejected_percent: int
    owner: str
    paused: bool
    pause_reason: str
    next_run_at: datetime
    last_run_at: datetime | None
    last_result: Annotated[str, Field(description="imported, unchanged, refused or failed")]
    last_text: str
    latest_import_id: int | None


class SchedulePage(Page[ScheduleOut]):
    pass


class ScheduleIn(Body):
    import_id: Annotated[Id, Field(description="A finished import from the address.")]
    rhythm: ImportRhythm = ImportRhythm.DAILY
    at: Annotated[str | None, Field(pattern=CLOCK, description="Such as 08:00.")] = None
    weekday: Annotated[int, Field(ge=0, le=6)] = 0
    max_rejected_percent: Annotated[int | None, Field(ge=0, le=100)] = None


class ScheduleChanges(Body):
    paused: bool


@router.get("import-schedules", response=SchedulePage, auth=Needs(Permission.VIEW))
def list_import_schedules(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """All schedules, each with its last result."""
    rows = visible_to(actor(request), ImportSchedule.objects.select_related("owner"))
    return page(request, rows, query, schedule_out)


@router.post("import-schedules", response={201: ScheduleOut}, auth=EDIT)
def create_import_schedule(request: HttpRequest, body: ScheduleIn) -> Any:
    """Repeat a finished import from an address, with the same columns."""
    user = actor(request)
    contact_import = get_import(request, body.import_id, Permission.EDIT_CONTACTS)
    values = body.model_dump(exclude={"import_id"}, mode="json")
    if body.max_rejected_percent is None:
        values["max_rejected_percent"] = schedules.proposed_percent(contact_import)
    form = ScheduleForm(posted(values), zone=str(reader_zone(user.time_zone)))
    made = schedules.create(contact_import, owner=user, **require_valid(form))
    return Status(201, schedule_out(made))


@router.get("import-schedules/{schedule_id}", response=ScheduleOut, auth=Needs(Permission.VIEW))
def get_import_schedule(request: HttpRequest, schedule_id: ScheduleId) -> Any:
    """One schedule."""
    return schedule_out(_get(request, schedule_id, Permission.VIEW))


@router.patch(
    "import-schedules/{schedule_id}",
    summary="Pause or resume import schedule",
    response=ScheduleOut,
    auth=EDIT,
)
def pause_import_schedule(
    request: HttpRequest, schedule_id: ScheduleId, body: ScheduleChanges
) -> Any:
    """Pause or resume a schedule."""
    change = schedules.pause if body.paused else schedules.resume
    change(_get(request, schedule_id), actor(request))
    return schedule_out(_get(request, schedule_id))


@router.post("import-schedules/{schedule_id}/run", response=ScheduleOut, auth=EDIT)
def run_import_schedule(request: HttpRequest, schedule_id: ScheduleId) -> Any:
    """Run a schedule at once. Not one that is paused."""
    schedule = _get(request, schedule_id)
    if schedule.paused:
        raise Problem(409, "wrong_state", "The schedule is paused. Resume it first.")
    schedules.run_now(schedule, actor(request))
    return schedule_out(_get(request, schedule_id))


@router.delete("import-schedules/{schedule_id}", response={204: None}, auth=EDIT)
def delete_import_schedule(request: HttpRequest, schedule_id: ScheduleId) -> Any:
    """Delete a schedule. What it imported stays."""
    schedules.delete(_get(request, schedule_id), actor(request))
    return Status(204, None)


def schedule_out(schedule: ImportSchedule) -> dict[str, Any]:
    """The values of ScheduleOut."""
    same = set(ScheduleOut.model_fields) - {"address", "at", "owner"}
    return {
        **{name: getattr(schedule, name) for name in same},
        "address": shown_address(schedule.address),
        "at": schedule.at.isoformat() if schedule.at else None,
        "owner": str(schedule.owner),
    }


def _get(
    request: HttpRequest, schedule_id: int, permission: Permission = Permission.EDIT_CONTACTS
) -> ImportSchedule:
    rows = ImportSchedule.objects.select_related("owner", "list")
    return get_object_for(actor(request), rows, permission, pk=schedule_id)
