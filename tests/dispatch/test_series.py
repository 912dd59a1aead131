"""From a draft that is repeated to the messages of each run: once, and within its limits."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.editor import drafts
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.checks import problems
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import (
    ApprovalLimit,
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Operator,
    PriceList,
    Repeat,
    Segment,
    Series,
    SeriesRun,
    SeriesState,
)
from campaigns.compose.series import moves, runs
from campaigns.compose.series.moves import Plan
from campaigns.compose.triggers import moves as trigger_moves
from campaigns.compose.triggers.moves import Limits
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, Recipient, Snapshot
from campaigns.dispatch.send.sender import BatchSender
from campaigns.reports.campaigns.dashboard import load_attention_items
from campaigns.results.money.rebuilding import differences
from campaigns.shared.brands.scope import MAIN
from campaigns.team import safe_mode
from campaigns.team.holds import switch
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.reports.factories import make_user
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
KYIV = ZoneInfo("Europe/Kyiv")
MONDAY = date(2026, 11, 30)
MORNING = datetime(2026, 11, 30, 8, tzinfo=KYIV)
S = CampaignState


@pytest.fixture(autouse=True)
def clock(settings: Settings) -> Iterator[time_machine.Traveller]:
    settings.SITE_ZONE = KYIV
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def prices() -> None:
    rows = [
        {
            "country": code, "country_name": code, "mcc": "", "mnc": "0", "price": "0.1",
            "currency": "EUR",
        }
        for code, _prefix in factory.COUNTRIES
    ]  # fmt: skip
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())


@pytest.fixture
def people() -> ContactList:
    return factory.contact_list("Clients", 12)


def plan(**columns: Any) -> Plan:
    daily: dict[str, Any] = {
        "repeat": Repeat.DAILY,
        "at": time(10),
        "first_day": MONDAY,
        "people_max": 1_000,
    }
    return Plan(**(daily | columns))


def switched_on(*lists: ContactList, draft: dict[str, Any] | None = None, **rule: Any) -> Series:
    message = factory.draft(*lists, **({"budget": Decimal(100)} | (draft or {})))
    message.segments.set(Segment.objects.all())
    series = moves.set_up(message.pk, plan(**rule), None)
    moves.switch_on(series.pk, None)
    return Series.objects.get(pk=series.pk)


def at(clock: time_machine.Traveller, day: int, hour: int = 10, minute: int = 0) -> datetime:
    moment = datetime(2026, 12, 1, hour, minute, tzinfo=KYIV) + timedelta(days=day - 1)
    clock.move_to(moment)
    return moment


def outcomes(series: Series) -> dict[date, str]:
    rows = SeriesRun.objects.filter(series=series).order_by("day")
    return {run.day: run.campaign.state if run.campaign else run.reason for run in rows}


def send(sandbox: RunningSandbox) -> None:
    for campaign in Campaign.objects.filter(state=S.PREPARING):
        freeze(campaign.pk, timezone.now() + factory.SOON)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sweep.finish_campaigns()


def test_each_run_goes_to_its_audience_of_that_day(
    sandbox: RunningSandbox, people: ContactList, clock: time_machine.Traveller
) -> None:
    series = switched_on(people)
    assert runs.start(series.pk, MORNING) == 0
    assert runs.start(series.pk, at(clock, 0)) == 1
    assert runs.start(series.pk, timezone.now()) == 0
    send(sandbox)
    Contact.objects.filter(list=people, msisdn=factory.phone(0)).delete()
    assert runs.start(series.pk, at(clock, 1, minute=3)) == 1
    send(sandbox)
    assert outcomes(series) == {MONDAY: "finished", date(2026, 12, 1): "finished"}
    first, second = Campaign.objects.filter(run_day__isnull=False).order_by("pk")
    assert (first.audience, second.audience) == (12, 11)
    assert (first.name, second.name) == ("Autumn, 30 Nov 2026", "Autumn, 1 Dec 2026")
    assert (sandbox.bill()["messages"], sandbox.bill()["phones"]) == (23, 12)
    assert differences() == []


def test_a_run_that_is_made_again_after_a_restore_is_not_sent_again(
    sandbox: RunningSandbox, people: ContactList, clock: time_machine.Traveller
) -> None:
    series = switched_on(people)
    runs.start(series.pk, at(clock, 0))
    send(sandbox)
    for model in (Recipient, Batch, Snapshot, SeriesRun):  # what came after the backup
        model.objects.all().delete()
    Campaign.objects.filter(run_day=MONDAY).update(uuid=series.uuid, run_day=None)
    Series.objects.filter(pk=series.pk).update(next_day=MONDAY)
    assert runs.start(series.pk, timezone.now()) == 1
    send(sandbox)
    assert sandbox.bill()["messages"] == 12


def test_birthdays_are_those_of_the_day_of_the_run(clock: time_machine.Traveller) -> None:
    """Also where a run at local time is frozen on the day before, in the site's time zone."""
    people = ContactList.objects.create(
        name="Clients", contact_count=2, fields=["born"], field_types={"born": "date"},
        countries={"NZ": 1, "UA": 1},
    )  # fmt: skip
    for number, born in enumerate(("1990-12-03", "1985-12-04")):
        Contact.objects.create(
            list=people, msisdn=factory.phone(number), country="UA", fields={"born": born}
        )
    segment = Segment.objects.create(name="Birthday in 3 days")
    Condition.objects.create(
        segment=segment, place=0, kind=ConditionKind.FIELD, field="born",
        operator=Operator.YEARLY, value="3",
    )  # fmt: skip
    series = switched_on(is_local=True)
    assert series.next_day == date(2026, 12, 1)  # Auckland has had its morning of the 30th
    assert runs.start(series.pk, at(clock, 0, 22)) == 0
    assert runs.start(series.pk, at(clock, 0, 23)) == 1
    [run] = Campaign.objects.filter(run_day=date(2026, 12, 1))
    assert run.local_at == "2026-12-01T10:00"
    freeze(run.pk, timezone.now() + factory.SOON)
    assert Recipient.objects.get(campaign=run).msisdn == factory.phone(1)


def test_runs_that_nobody_could_start_in_time_are_skipped_and_said(
    people: ContactList, clock: time_machine.Traveller
) -> None:
    boss = make_user("boss", Role.ADMINISTRATOR)
    series = switched_on(people)
    at(clock, 0)
    switch.hold(boss, MAIN)
    assert runs.start(series.pk, at(clock, 0, 10, 59)) == 0
    assert outcomes(series) == {}  # it waits
    assert runs.start(series.pk, at(clock, 0, 11, 1)) == 0
    switch.release(boss, MAIN)
    assert runs.start(series.pk, at(clock, 3, 10, 30)) == 1  # the server was down for days
    assert outcomes(series) == {
        MONDAY: "held",
        date(2026, 12, 1): "missed",
        date(2026, 12, 2): "missed",
        date(2026, 12, 3): "preparing",
    }
    assert not load_attention_items(boss, []).skipped_runs
    Series.objects.filter(pk=series.pk).update(next_day=date(2026, 12, 4))
    runs.start(series.pk, at(clock, 4, 12))
    [skipped] = load_attention_items(boss, []).skipped_runs
    assert skipped.text == "The run of 4 Dec 2026 was skipped. The server was down at its time."
    entry = AuditEntry.objects.filter(action="skipped").order_by("pk")[0]
    assert entry.detail == "2026-11-30: held"


def test_a_run_without_recipients_or_with_a_problem_is_skipped(
    people: ContactList, clock: time_machine.Traveller
) -> None:
    series = switched_on(people, draft={"text": "Hello!"})
    Contact.objects.all().delete()
    runs.start(series.pk, at(clock, 0))
    Campaign.objects.filter(repeated_by=series).update(text="Hello {name}")
    Contact.objects.create(list=people, msisdn=factory.phone(0), country="UA")
    ContactList.objects.update(fields=["name"], contact_count=1)
    runs.start(series.pk, at(clock, 1))
    assert outcomes(series) == {MONDAY: "nobody", date(2026, 12, 1): "problems"}
    assert "{name}" in SeriesRun.objects.get(day=date(2026, 12, 1)).detail
    assert Series.objects.get().next_day == date(2026, 12, 2)


@pytest.mark.parametrize("has_limits", [False, True])
def test_a_run_with_more_recipients_than_allowed_waits(
    people: ContactList, clock: time_machine.Traveller, has_limits: bool
) -> None:
    series = switched_on(people, people_max=11)
    if has_limits:
        ApprovalLimit.objects.create(currency="EUR", amount=1)
    runs.start(series.pk, at(clock, 0))
    [run] = Campaign.objects.filter(run_day=MONDAY)
    freeze(run.pk, timezone.now() + factory.SOON)
    run.refresh_from_db()
    reason = "approval" if has_limits else "people_max"
    assert (run.state, run.reason, run.audience) == (S.PAUSED, reason, 12)
    assert run.reason_detail == "12 recipients; the series allows 11."
    if has_limits:
        with pytest.raises(Refused):
            lifecycle.resume(run.pk, make_user("olena", Role.MARKETER))
    lifecycle.resume(run.pk, make_user("boss", Role.APPROVER))
    run.refresh_from_db()
    assert run.state == S.SENDING


def test_the_last_run_ends_the_series_and_frees_its_draft(
    people: ContactList, clock: time_machine.Traveller
) -> None:
    series = switched_on(people, repeat=Repeat.WEEKLY, weekdays=[0], last_day=date(2026, 12, 7))
    draft = series.draft
    assert draft is not None
    assert [problem.message for problem in problems(draft)] == [
        "This draft is repeated by a series, which sends it."
    ]
    for refused in (drafts.lock_draft, lambda pk: drafts.delete(pk, None)):
        with pytest.raises(Refused, match="A series repeats this draft"):
            refused(draft.pk)
    runs.start(series.pk, at(clock, 0))
    moves.skip_next(series.pk, date(2026, 12, 7), None)
    series.refresh_from_db()
    assert (series.state, series.draft, series.next_day) == (SeriesState.ENDED, None, None)
    assert outcomes(series) == {MONDAY: "preparing", date(2026, 12, 7): "by_person"}
    assert drafts.lock_draft(draft.pk) == draft
    assert runs.due(at(clock, 30)) == []


def test_a_day_that_was_skipped_or_sent_has_no_second_run(
    people: ContactList, clock: time_machine.Traveller
) -> None:
    series = switched_on(people)
    runs.start(series.pk, at(clock, 0))
    moves.skip_next(series.pk, date(2026, 12, 1), None)
    with pytest.raises(Refused, match="not the next run"):
        moves.skip_next(series.pk, date(2026, 12, 1), None)
    moves.switch_off(series.pk, None)
    assert runs.due(timezone.now()) == []
    moves.change_plan(series.pk, plan(at=time(20)), None)  # later on the same day
    moves.switch_on(series.pk, None)
    series.refresh_from_db()
    assert series.next_day == date(2026, 12, 2)


def test_the_sweep_and_the_task_start_what_is_due_and_nothing_in_safe_mode(
    people: ContactList, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[tuple[object, ...]] = []
    monkeypatch.setattr(sweep, "enqueue", lambda *call: woken.append(call))
    series = switched_on(people)
    sweep.sweep()
    assert (runs.START, series.pk) not in woken
    at(clock, 0)
    sweep.sweep()
    assert (runs.START, series.pk) in woken
    monkeypatch.setattr(safe_mode, "in_safe_mode", lambda: True)
    tasks.start_series(series.pk)
    assert outcomes(series) == {}
    monkeypatch.undo()
    tasks.start_series(series.pk)
    assert list(outcomes(series)) == [MONDAY]


def test_an_approver_switches_on_what_costs_more_than_the_limit(people: ContactList) -> None:
    ApprovalLimit.objects.create(currency="EUR", amount=10)
    olena, boss = make_user("olena", Role.MARKETER), make_user("boss", Role.APPROVER)
    draft = factory.draft(people, budget=Decimal(50), budget_currency="EUR", created_by=olena)
    series = moves.set_up(draft.pk, plan(), olena)
    with pytest.raises(Refused, match="An approver has to switch it on"):
        moves.switch_on(series.pk, olena)
    moves.switch_on(series.pk, boss)
    series.refresh_from_db()
    assert (series.state, series.started_by) == (SeriesState.ON, boss)


def test_what_forbids_to_switch_on(people: ContactList, clock: time_machine.Traveller) -> None:
    draft = factory.draft(people, text="Hello {city}")
    series = moves.set_up(draft.pk, plan(last_day=MONDAY), None)
    with pytest.raises(Refused, match="Set a budget"):
        moves.switch_on(series.pk, None)
    Campaign.objects.filter(pk=draft.pk).update(budget=10)
    with pytest.raises(Refused, match="The chosen lists have no column"):
        moves.switch_on(series.pk, None)
    clock.move_to(MORNING + timedelta(days=1))
    with pytest.raises(Refused, match="No run is left"):
        moves.switch_on(series.pk, None)
    with pytest.raises(Refused, match="Another series or a trigger"):
        moves.set_up(draft.pk, plan(), None)
    with pytest.raises(Refused, match="Another series or a trigger"):
        trigger_moves.set_up(draft.pk, "order.paid", Limits(1, 1, 1), None)
    with pytest.raises(Refused, match="at least one day of the week"):
        moves.change_plan(series.pk, plan(repeat=Repeat.WEEKLY), None)


def test_calendar_shows_coming_runs(client: Client, people: ContactList) -> None:
    client.force_login(make_user("olena", Role.MARKETER))
    switched_on(people, repeat=Repeat.WEEKLY, weekdays=[3])
    text = client.get("/campaigns/calendar?month=2026-12-01").content.decode()
    assert text.count("Autumn · Run of a series") == 5
    assert client.get("/campaigns/calendar?month=2026-12-01&state=draft").status_code == 200
