"""What users do with series, each recorded in the audit trail. Pages and API call it."""

from dataclasses import asdict, dataclass, field, replace
from datetime import date, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.drafts import lock_free_draft, lock_version
from campaigns.compose.launch import approval, reachable
from campaigns.compose.launch.checks import launch_problems, message_problems
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.launch.problem import Problem
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import (
    Campaign,
    Repeat,
    Series,
    SeriesRun,
    SeriesState,
    Timing,
)
from campaigns.compose.models.series import SKIP_DETAIL_MAX
from campaigns.compose.series import rules
from campaigns.compose.series.texts import BY_PERSON, period_text, rule_text
from campaigns.ledger.models import Purpose
from campaigns.shared.days import site_today
from campaigns.team import accounts, audit
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.models import User


@dataclass(frozen=True, slots=True)
class Plan:
    """The rule of a series and the limit of a run: the columns of the same names. `month_day`: 31
    is the last day of each month. `last_day`: None is no end.
    """

    repeat: Repeat
    at: time
    first_day: date
    people_max: int
    weekdays: list[int] = field(default_factory=list)
    month_day: int | None = None
    is_local: bool = False
    last_day: date | None = None


def plan_problems(plan: Plan) -> list[Problem]:
    """What is wrong with a plan, at its fields."""
    problem_list = []
    if plan.repeat == Repeat.WEEKLY and not plan.weekdays:
        problem_list.append(Problem("weekdays", _("Choose at least one day of the week.")))
    if plan.repeat == Repeat.MONTHLY and not plan.month_day:
        problem_list.append(Problem("month_day", _("Enter the day of the month.")))
    if plan.last_day and plan.last_day < plan.first_day:
        problem_list.append(Problem("last_day", _("The last day is before the first one.")))
    return problem_list


@transaction.atomic
def set_up(campaign_id: int, plan: Plan, actor: User | None) -> Series:
    """Make a series that is off and repeats a draft. Raises Refused."""
    draft = lock_free_draft(campaign_id)
    _require_possible(plan)
    series = Series.objects.create(name=draft.name, draft=draft, created_by=actor, **asdict(plan))
    audit.record(actor, series, "created", f"{_summary(series)}; campaign {draft.pk}")
    return series


@transaction.atomic
def change_plan(series_id: int, plan: Plan, actor: User | None) -> None:
    """Change the rule and the limit of a series that is off. Raises Refused."""
    series = _lock(series_id)
    if series.state != SeriesState.OFF:
        raise Refused(_("Switch the series off before you change its plan."))
    _require_possible(plan)
    for name, value in asdict(plan).items():
        setattr(series, name, value)
    series.save()
    audit.record(actor, series, "edited", _summary(series))


def _require_possible(plan: Plan) -> None:
    if problem_list := plan_problems(plan):
        raise Refused(" ".join(str(problem.message) for problem in problem_list))


def _summary(series: Series) -> str:
    return f"{rule_text(series)}; {period_text(series)}; at most {series.people_max}"


def problems(series: Series) -> list[Problem]:
    """What forbids to switch a series on, at the fields of its draft, without its audience's."""
    draft = series.draft
    if draft is None:
        return [Problem("", _("The series has no message any more."))]
    problem_list = message_problems(draft)
    if draft.timing != Timing.NOW:
        text = _("The series says when it is sent: choose “Now” in the card “When”.")
        problem_list.append(Problem("scheduled_at", text))
    if not Audience.of(draft):
        problem_list.append(Problem("lists", _("Choose a list or a segment.")))
    if draft.budget is None:
        text = _("Set a budget in the card “When”: the most that one run may cost.")
        problem_list.append(Problem("budget", text))
    if next(rules.days(series, site_today()), None) is None:
        problem_list.append(Problem("last_day", _("No run is left: choose a later last day.")))
    with using_key_of(series.brand_id):
        if refusal := reachable.key_refusal(Purpose.CAMPAIGN, accounts.load()):
            problem_list.append(Problem("", refusal))
    return problem_list


def approval_text(series: Series, actor: User | None) -> str:
    """Why `actor` may not switch the series on without an approver; "" if they may."""
    draft = series.draft
    if draft is None or not approval.needs_another_user(draft, actor):
        return ""
    return _(
        "An approver has to switch it on: the budget of a run is above the approval limit. The"
        " users who created the message or edited it last can't approve it."
    )


def switch_on(series_id: int, actor: User | None, version: str = "") -> None:
    """Send the draft on each day of the rule from now on.

    `version`: that of the draft that the user saw. Raises Refused.
    """
    series = Series.objects.select_related("draft__sender").get(pk=series_id)
    draft = series.draft
    if (problem_list := problems(series)) or draft is None:
        raise Refused(" ".join(str(problem.message) for problem in problem_list))
    if refusal := approval_text(series, actor):
        raise Refused(refusal)
    first_day = rules.first_day_from(series, timezone.now())
    next_day = _next_free(series, first_day) if first_day else None
    if next_day is None:
        raise Refused(_("No run is left: choose a later last day."))
    _require_sendable(draft, next_day)
    with transaction.atomic():
        locked = _lock(series_id)
        lock_version(draft, version)
        if locked.state != SeriesState.OFF or _plan_of(locked) != _plan_of(series):
            raise Refused(_("The series was changed a moment ago. Look at it again."))
        locked.name = draft.name
        locked.state, locked.next_day = SeriesState.ON, next_day
        locked.started_by, locked.started_at = actor, timezone.now()
        locked.save()
        audit.record(actor, locked, "switched on", _summary(locked))


def _require_sendable(draft: Campaign, day: date) -> None:
    """Refuse a message that could not be sent to the audience as it is for `day`."""
    measured = measure_now(replace(Audience.of(draft), day=day), compile_message(draft))
    if problem_list := launch_problems(draft, measured):
        raise Refused(" ".join(str(problem.message) for problem in problem_list))


def _plan_of(series: Series) -> dict[str, object]:
    return {name: getattr(series, name) for name in Plan.__dataclass_fields__}


@transaction.atomic
def switch_off(series_id: int, actor: User | None) -> None:
    """Start no more runs; those that have started go on. Raises Refused if it is not on."""
    series = _lock(series_id)
    if series.state != SeriesState.ON:
        raise Refused(_("The series is not on."))
    _stop(series, SeriesState.OFF)
    audit.record(actor, series, "switched off")


@transaction.atomic
def end(series_id: int, actor: User | None) -> None:
    """End a series for good; its draft is an ordinary one again. Raises Refused if it ended."""
    series = _lock(series_id)
    if series.state == SeriesState.ENDED:
        raise Refused(_("The series ended."))
    series.draft = None
    _stop(series, SeriesState.ENDED)
    audit.record(actor, series, "ended")


@transaction.atomic
def skip_next(series_id: int, day: date, actor: User | None) -> None:
    """Leave out the next run, which is that of `day`. Raises Refused if it is not the next one."""
    series = _lock(series_id)
    if series.state != SeriesState.ON or series.next_day != day:
        raise Refused(_("This is not the next run any more."))
    skip(series, BY_PERSON, actor)


def skip(series: Series, reason: str, actor: User | None = None, detail: str = "") -> None:
    """Record why the next run of a locked series is skipped, and go on to the one after it."""
    assert series.next_day is not None
    detail = detail[:SKIP_DETAIL_MAX]
    SeriesRun.objects.create(series=series, day=series.next_day, reason=reason, detail=detail)
    audit.record(actor, series, "skipped", f"{series.next_day}: {reason}")
    go_on(series)


def go_on(series: Series) -> None:
    """Go on to the run after the next one of a locked series; after the last one, end it."""
    assert series.next_day is not None
    series.next_day = _next_free(series, series.next_day + timedelta(days=1))
    if series.next_day is None:
        series.draft = None
        _stop(series, SeriesState.ENDED)
    else:
        series.save(update_fields=["next_day"])


def _next_free(series: Series, first: date) -> date | None:
    """The first day from `first` on whose run is neither made nor skipped; None: there is none."""
    done = SeriesRun.objects.filter(series=series, day__gte=first)
    taken = set(done.values_list("day", flat=True))
    return next((day for day in rules.days(series, first) if day not in taken), None)


def _stop(series: Series, state: SeriesState) -> None:
    series.state, series.next_day = state, None
    series.save(update_fields=["state", "next_day", "draft"])


def _lock(series_id: int) -> Series:
    return Series.objects.select_for_update(of=("self",)).get(pk=series_id)
