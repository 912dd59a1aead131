"""Turn events of triggers into recipients, as the freeze turns contacts into them.

What arrived together becomes batches of up to 50. An event and its recipient are written in one
transaction, so a kill leaves both or neither, and an event never has two.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.compose.audience import frequency_cap
from campaigns.compose.audience.frequency_cap import Cap
from campaigns.compose.audience.stopped_phones import stopped_phones
from campaigns.compose.launch import reachable
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    EventState,
    Trigger,
    TriggerEvent,
    TriggerState,
)
from campaigns.compose.schedule.sending_hours import Place
from campaigns.compose.schedule.time_zones import AREA_DIGITS, COUNTRIES_BY_AREA, zones_by_area
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.runs import make_run, open_runs
from campaigns.compose.triggers.texts import (
    CAPPED,
    QUEUED_BEFORE,
    RUN_CANCELLED,
    TOO_MANY,
    TOO_MANY_TO_PERSON,
    TOO_OLD,
)
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.freeze.recipients import reference_of
from campaigns.dispatch.models import Batch, Recipient, Snapshot
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.ledger.models import Purpose
from campaigns.shared import database_clock
from campaigns.shared.brands.scope import acting_for
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.holds import switch

SLICE_SIZE = 1_000  # events in a transaction


def take(trigger_id: int, keep_going: Callable[[], bool] = lambda: True) -> int:
    """Turn the events of a trigger that wait into recipients; how many became some.

    Nothing is taken while the trigger is off, a run of today is paused, sending is held, or the key
    of the brand sends nothing. Events that have waited too long are skipped when it goes on.
    """
    brand_id = Trigger.objects.values_list("brand", flat=True).get(pk=trigger_id)
    taken = 0
    with acting_for(brand_id), using_key_of(brand_id):
        while not _refusal(brand_id) and keep_going():
            added, has_more = _take_slice(trigger_id)
            failpoint("events")
            taken += added
            if not has_more:
                break
    return taken


def _refusal(brand_id: int) -> str:
    """Why nothing of the brand is sent now; "" if it is."""
    known = accounts.load()
    return switch.refusal(brand_id) or reachable.key_refusal(Purpose.CAMPAIGN, known)


@transaction.atomic
def _take_slice(trigger_id: int) -> tuple[int, bool]:
    """Take the next events; how many became recipients, and whether there may be more."""
    # one worker at a time for each trigger
    trigger = Trigger.objects.select_for_update(of=("self",)).get(pk=trigger_id)
    now = database_clock.now()
    waiting = TriggerEvent.objects.filter(trigger=trigger, state=EventState.WAITING)
    oldest = now - timedelta(hours=trigger.wait_max)
    waiting.filter(at__lt=oldest).update(state=EventState.SKIPPED, reason=TOO_OLD)
    draft = trigger.draft
    if trigger.state != TriggerState.ON or draft is None:
        return 0, False
    runs = open_runs(trigger, now)
    if any(run.state == CampaignState.CANCELLED for run in runs):
        moves.switch_off(trigger.pk, None, RUN_CANCELLED)
        return 0, False
    if any(run.state != CampaignState.SENDING for run in runs):
        return 0, False
    frequency_cap.lock(draft)
    events = list(waiting.order_by("pk")[:SLICE_SIZE])
    cap = frequency_cap.cap_of(draft)
    stopped = stopped_phones(draft, {event.msisdn for event in events})
    if cap:  # a second event of a person is counted when the first one is a recipient
        events = list({event.msisdn: event for event in reversed(events)}.values())[::-1]
        stopped |= _capped(cap, events)
    added = _Division(trigger, draft, runs, now).divide(events, stopped)
    failpoint("events_written")
    return added, bool(events)


def _capped(cap: Cap, events: Iterable[TriggerEvent]) -> dict[str, str]:
    """The phones that have reached the frequency cap, each with that as a reason."""
    reached = frequency_cap.has_reached(cap, own=0, at=None)
    if reached is None:
        return {}
    rows = TriggerEvent.objects.filter(reached, pk__in=[event.pk for event in events])
    return dict.fromkeys(rows.values_list("msisdn", flat=True), CAPPED)


class _Division:
    """Divides events of a trigger, whose message is that of `draft`, among the `runs` of today,
    which are locked.
    """

    def __init__(
        self, trigger: Trigger, draft: Campaign, runs: list[Campaign], now: datetime
    ) -> None:
        self.trigger, self.draft, self.runs, self.now = trigger, draft, runs, now
        self.room = trigger.people_max - sum(run.audience or 0 for run in runs)
        # run -> phones in it
        self.phones: list[set[str]] = []
        self.chosen: defaultdict[int, list[TriggerEvent]] = defaultdict(list)

    def divide(self, events: list[TriggerEvent], stopped: Mapping[str, str]) -> int:
        """Make recipients of the events, or skip them, those of the phones in `stopped` for that
        reason; how many became recipients.
        """
        msisdns = {event.msisdn for event in events}
        for run in self.runs:
            known = Recipient.objects.filter(campaign=run, msisdn__in=msisdns)
            self.phones.append(set(known.values_list("msisdn", flat=True)))
        queued_before = self._queued_before(events)
        for event in events:
            is_repeated = self._reference(event) in queued_before
            event.reason = (
                QUEUED_BEFORE if is_repeated else stopped.get(event.msisdn) or self._place(event)
            )
        for number, of_run in sorted(self.chosen.items()):
            self._append(self._run(number), of_run)
        _record_skipped(event for event in events if event.reason)
        return sum(map(len, self.chosen.values()))

    def _queued_before(self, events: Iterable[TriggerEvent]) -> set[str]:
        """The references of those of the events that have a recipient, from an arrival that is not
        kept any more: it was deleted with its time, or as its person was erased.
        """
        references = [self._reference(event) for event in events]
        known = Recipient._base_manager.filter(reference__in=references)
        return set(known.values_list("reference", flat=True))

    def _reference(self, event: TriggerEvent) -> str:
        """It is that of the event, not of the run: an event that arrives again after a backup was
        restored has the same one, and the gateway refuses the second message.
        """
        return reference_of(self.draft.uuid, f"{event.event}:{event.key}")

    def _place(self, event: TriggerEvent) -> str:
        """Give the event a place in the first run without its phone; why it gets none, or ""."""
        if self.room <= 0:
            return TOO_MANY
        number = 0
        while number < len(self.phones) and event.msisdn in self.phones[number]:
            number += 1
        if number >= self.trigger.person_max:
            return TOO_MANY_TO_PERSON
        if number == len(self.phones):
            self.phones.append(set())
        self.phones[number].add(event.msisdn)
        self.chosen[number].append(event)
        self.room -= 1
        return ""

    def _run(self, number: int) -> Campaign:
        while number >= len(self.runs):
            self.runs.append(make_run(self.trigger, self.draft, len(self.runs) + 1, self.now))
        return self.runs[number]

    def _append(self, run: Campaign, events: list[TriggerEvent]) -> None:
        """Add the events to a run as recipients, in batches of one country and area each."""
        snapshot, _is_new = Snapshot.objects.get_or_create(
            campaign=run, defaults={"complete": True, "begun_at": self.now}
        )
        by_place: defaultdict[Place, list[TriggerEvent]] = defaultdict(list)
        for event in events:
            by_place[_place_of(run, event)].append(event)
        recipients, batches = list[Recipient](), list[Batch]()
        for place, there in sorted(by_place.items(), key=lambda item: str(item[0])):
            for start in range(0, len(there), MAX_RECIPIENTS):
                part = there[start : start + MAX_RECIPIENTS]
                number = snapshot.batches + len(batches) + 1
                batches.append(_batch(run, number, place, len(part)))
                recipients += [self._recipient(run, number, event) for event in part]
        Recipient.objects.bulk_create(recipients)
        Batch.objects.bulk_create(batches)
        _extend(snapshot, run, len(batches), len(recipients), by_place)
        keys = [event.pk for event in events]
        rows = TriggerEvent.objects.filter(pk__in=keys)
        rows.update(state=EventState.TAKEN, campaign=run)

    def _recipient(self, run: Campaign, number: int, event: TriggerEvent) -> Recipient:
        return Recipient(
            campaign=run,
            msisdn=event.msisdn,
            country=event.country,
            fields=event.values,
            reference=self._reference(event),
            batch_number=number,
        )


def _place_of(run: Campaign, event: TriggerEvent) -> Place:
    has_areas = run.timetable is not None and event.country in COUNTRIES_BY_AREA
    area = zones_by_area().get(event.msisdn[:AREA_DIGITS], "") if has_areas else ""
    return Place(event.country, area)


def _batch(run: Campaign, number: int, place: Place, size: int) -> Batch:
    return Batch(campaign=run, number=number, country=place.country, area=place.area, size=size)


def _extend(
    snapshot: Snapshot, run: Campaign, batches: int, recipients: int, places: Iterable[Place]
) -> None:
    """Count what was added to a run."""
    known = [Place(*place) for place in snapshot.places]
    added = [place for place in places if place not in known]
    snapshot.places = [[place.country, place.area] for place in [*known, *added]]
    snapshot.batches += batches
    snapshot.in_lists += recipients
    snapshot.left += recipients
    snapshot.save()
    run.audience = (run.audience or 0) + recipients
    Campaign.objects.filter(pk=run.pk).update(audience=run.audience)


def _record_skipped(events: Iterable[TriggerEvent]) -> None:
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for event in events:
        by_reason[event.reason].append(event.pk)
    for reason, keys in by_reason.items():
        rows = TriggerEvent.objects.filter(pk__in=keys)
        rows.update(state=EventState.SKIPPED, reason=reason)


def triggers_with_waiting() -> list[int]:
    """The triggers of which events wait, of all brands."""
    waiting = TriggerEvent.objects.filter(state=EventState.WAITING).order_by()
    return sorted(waiting.values_list("trigger", flat=True).distinct())
