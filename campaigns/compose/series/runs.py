"""The runs of a series: campaigns that are made from its draft when their time comes.

A run and the next day of its series are written in one transaction, so that a kill leaves both or
neither. The identity of a run, and with it the references of its messages, follow from the series
and the day: if a backup is restored and the run is made again, the gateway refuses what it has.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid5

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.drafts import copy_audience, copy_campaign, name_of_run
from campaigns.compose.launch import approval, lifecycle, reachable, state_changes
from campaigns.compose.launch.checks import launch_problems
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.tracked_links import launch_columns
from campaigns.compose.models import Campaign, CampaignState, Series, SeriesRun, SeriesState, Timing
from campaigns.compose.series import moves, rules
from campaigns.compose.series.texts import HELD, MISSED, NOBODY, PROBLEMS
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import acting_for
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.holds import switch

START = "campaigns.dispatch.tasks.start_series"


def due(now: datetime) -> list[int]:
    """The series of all brands that may have a run to start at `now`."""
    series_list = Series._base_manager.filter(state=SeriesState.ON, next_day__isnull=False)
    return [series.pk for series in series_list.order_by("pk") if rules.can_start(series, now)]


def start(series_id: int, now: datetime) -> int:
    """Make the runs of a series that are due at `now`, and record those that are skipped; how many
    were made. What sending is held for, or the key of the brand cannot send, waits until it is late
    by MISSED_SCHEDULE_MINUTES, and is skipped then.
    """
    brand_id = Series._base_manager.values_list("brand", flat=True).get(pk=series_id)
    made = 0
    with acting_for(brand_id), using_key_of(brand_id):
        while (outcome := _start_next(series_id, now)) is not None:
            made += outcome
    return made


def _start_next(series_id: int, now: datetime) -> bool | None:
    """Make or skip the next run if its time has come: whether it was made; None: nothing is due."""
    series = Series.objects.select_related("draft__sender").get(pk=series_id)
    draft, day = series.draft, series.next_day
    if series.state != SeriesState.ON or draft is None or day is None:
        return None
    starts = rules.start_of(series, day)
    if starts > now:
        return None
    latest = starts + timedelta(minutes=settings.MISSED_SCHEDULE_MINUTES)
    if now > latest:
        was_held = switch.was_held(series.brand_id, starts, latest)
        return _skip(series, day, HELD if was_held else MISSED)
    known = accounts.load()
    if switch.refusal(series.brand_id) or reachable.key_refusal(Purpose.CAMPAIGN, known):
        return None
    run = _new_run(series, draft, day, starts)
    measured = measure_now(replace(Audience.of(draft), day=day), compile_message(run))
    if measured.recipients == 0:
        return _skip(series, day, NOBODY)
    if problem_list := launch_problems(run, measured):
        detail = " ".join(str(problem.message) for problem in problem_list)
        return _skip(series, day, PROBLEMS, detail)
    return _make(series, day, run, draft)


def _skip(series: Series, day: date, reason: str, detail: str = "") -> bool | None:
    with transaction.atomic():
        if (locked := _lock_at(series, day)) is None:
            return None
        moves.skip(locked, reason, detail=detail)
    return False


def _lock_at(series: Series, day: date) -> Series | None:
    """The series, locked, if `day` is still that of its next run."""
    current = Series.objects.select_for_update(of=("self",)).filter(pk=series.pk, next_day=day)
    return current.filter(state=SeriesState.ON).first()


def _new_run(series: Series, draft: Campaign, day: date, starts: datetime) -> Campaign:
    """The campaign of `day`, not saved, without its audience."""
    name = name_of_run(draft, day)
    run = copy_campaign(draft, series.started_by, name, Purpose.CAMPAIGN)
    run.uuid = uuid5(series.uuid, day.isoformat())
    run.brand_id = series.brand_id
    run.run_day, run.people_max = day, series.people_max
    run.timing = Timing.LOCAL if series.is_local else Timing.AT
    run.scheduled_at = starts
    run.local_at = f"{day.isoformat()}T{series.at:%H:%M}" if series.is_local else ""
    run.time_zone = "" if series.is_local else str(settings.SITE_ZONE)
    return run


@transaction.atomic
def _make(series: Series, day: date, run: Campaign, draft: Campaign) -> bool | None:
    """Save the run, launched, and go on to the next day; None if another worker did."""
    locked = _lock_at(series, day)
    if locked is None or locked.draft_id != draft.pk:
        return None
    for column, value in launch_columns(run).items():
        setattr(run, column, value)
    run.budget_currency = budget_currency(draft, draft.budget)
    run.launched_at, run.launched_by = timezone.now(), series.started_by
    run.account = reachable.account_to_send_with(run)
    run.save()
    copy_audience(draft, run)
    run.labels.set(draft.labels.all())
    lifecycle.start_run(run, CampaignState.PREPARING)
    SeriesRun.objects.create(series=locked, day=day, campaign=run)
    moves.go_on(locked)
    state_changes.record(None, run, "launched", f"series {series.pk}")
    approval.count_budget(run, series.started_by)
    lifecycle.wake()
    return True
