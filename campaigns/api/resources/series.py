"""Series: drafts that are sent again by a rule, and what became of their runs."""

from datetime import date, time
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import invalid
from campaigns.api.schemas import CLOCK, Body, Id
from campaigns.compose.models import Repeat, Series, SeriesRun, SeriesState
from campaigns.compose.models.series import RECIPIENTS_MAX
from campaigns.compose.series import moves
from campaigns.compose.series.moves import Plan, plan_problems
from campaigns.compose.series.texts import skip_reason
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Series"])
SeriesId = Annotated[Id, Path()]
Weekday = Annotated[int, Field(ge=0, le=6)]


class SeriesPlanIn(Body):
    repeat: Repeat
    weekdays: Annotated[
        list[Weekday], Field(max_length=7, description="Of a weekly series; 0 is Monday.")
    ] = []
    month_day: Annotated[
        int | None,
        Field(ge=1, le=31, description="Of a monthly series; 31 is the last day of each month."),
    ] = None
    at: Annotated[str, Field(pattern=CLOCK, description="Such as 10:00.")]
    is_local: Annotated[
        bool, Field(description="In the recipients' local time, else in that of the installation.")
    ] = False
    first_day: date
    last_day: Annotated[
        date | None, Field(description="Without one it runs until it is ended.")
    ] = None
    people_max: Annotated[
        int,
        Field(ge=1, le=RECIPIENTS_MAX, description="A run with more recipients waits, paused."),
    ]


class SeriesIn(SeriesPlanIn):
    draft_id: Annotated[Id, Field(description="With an audience and a budget, and no schedule.")]


class SeriesOut(Schema):
    id: int
    name: str
    state: SeriesState
    draft_id: int | None
    repeat: Repeat
    weekdays: list[int]
    month_day: int | None
    at: Annotated[str, Field(description="Such as 10:00.")]
    is_local: bool
    first_day: date
    last_day: date | None
    people_max: int
    next_day: Annotated[date | None, Field(description="Of the next run, while it is on.")]


class SeriesPage(Page[SeriesOut]):
    pass


class RunOut(Schema):
    day: date
    campaign_id: int | None
    reason: Annotated[str, Field(description="Why it was skipped, for programs; else empty.")]
    reason_text: str
    detail: str


class RunPage(Page[RunOut]):
    pass


class SkipIn(Body):
    day: Annotated[date, Field(description="That of the next run.")]


@router.get("series", response=SeriesPage, auth=Needs(Permission.VIEW))
def list_series(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List series."""
    return page(request, visible_to(actor(request), Series.objects.all()), query, _series_out)


@router.post("series", response={201: SeriesOut}, auth=Needs(Permission.SEND))
def create_series(request: HttpRequest, body: SeriesIn) -> Any:
    """Make a series of a draft, which is off."""
    return Status(201, _series_out(moves.set_up(body.draft_id, _plan(body), actor(request))))


@router.get("series/{series_id}", response=SeriesOut, auth=Needs(Permission.VIEW))
def get_series(request: HttpRequest, series_id: SeriesId) -> Any:
    """Get a series."""
    return _series_out(_get(request, series_id, Permission.VIEW))


@router.put(
    "series/{series_id}/plan",
    summary="Change plan of a series",
    response=SeriesOut,
    auth=Needs(Permission.SEND),
)
def set_series_plan(request: HttpRequest, series_id: SeriesId, body: SeriesPlanIn) -> Any:
    """Change the rule and the limit of a series that is off."""
    moves.change_plan(_get(request, series_id).pk, _plan(body), actor(request))
    return _series_out(_get(request, series_id))


@router.post("series/{series_id}/on", response=SeriesOut, auth=Needs(Permission.SEND))
@own_transactions
def switch_series_on(request: HttpRequest, series_id: SeriesId) -> Any:
    """Send the draft on each day of the rule from now on."""
    moves.switch_on(_get(request, series_id).pk, actor(request))
    return _series_out(_get(request, series_id))


@router.post("series/{series_id}/off", response=SeriesOut, auth=Needs(Permission.SEND))
def switch_series_off(request: HttpRequest, series_id: SeriesId) -> Any:
    """Start no further runs. Those that have started go on."""
    moves.switch_off(_get(request, series_id).pk, actor(request))
    return _series_out(_get(request, series_id))


@router.post("series/{series_id}/skip", response=SeriesOut, auth=Needs(Permission.SEND))
def skip_series_run(request: HttpRequest, series_id: SeriesId, body: SkipIn) -> Any:
    """Skip the next run of a series, if it is that of `day`."""
    moves.skip_next(_get(request, series_id).pk, body.day, actor(request))
    return _series_out(_get(request, series_id))


@router.post("series/{series_id}/end", response=SeriesOut, auth=Needs(Permission.SEND))
def end_series(request: HttpRequest, series_id: SeriesId) -> Any:
    """End a series for good. Its draft is free."""
    moves.end(_get(request, series_id).pk, actor(request))
    return _series_out(_get(request, series_id))


@router.get("series/{series_id}/runs", response=RunPage, auth=Needs(Permission.VIEW))
def list_series_runs(request: HttpRequest, series_id: SeriesId, query: Query[PageQuery]) -> Any:
    """List the runs of a series, made and skipped, the newest first."""
    runs = SeriesRun.objects.filter(series=_get(request, series_id, Permission.VIEW))
    return page(request, runs, query, _run_out, newest_first=True)


def _get(request: HttpRequest, series_id: int, permission: Permission = Permission.SEND) -> Series:
    return get_object_for(actor(request), Series.objects.all(), permission, pk=series_id)


def _plan(body: SeriesPlanIn) -> Plan:
    """Raises a problem at the field that is wrong."""
    values = {name: getattr(body, name) for name in Plan.__dataclass_fields__}
    values |= {"weekdays": sorted(set(body.weekdays)), "at": time.fromisoformat(body.at)}
    plan = Plan(**values)
    for problem in plan_problems(plan):
        raise invalid(problem.field, "refused", str(problem.message))
    return plan


def _series_out(series: Series) -> SeriesOut:
    others = ("id", "state", "repeat", "at")
    names = (name for name in SeriesOut.model_fields if name not in others)
    return SeriesOut(
        id=series.pk,
        state=SeriesState(series.state),
        repeat=Repeat(series.repeat),
        at=f"{series.at:%H:%M}",
        **{name: getattr(series, name) for name in names},
    )


def _run_out(run: SeriesRun) -> RunOut:
    return RunOut(
        day=run.day,
        campaign_id=run.campaign_id,
        reason=run.reason,
        reason_text=skip_reason(run.reason),
        detail=run.detail,
    )
