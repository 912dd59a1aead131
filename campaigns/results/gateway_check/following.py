"""Follow the message of a check until it has ended, and ask for its status once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.dispatch.models import Recipient
from campaigns.gateway.bsg.client import client_in_use
from campaigns.results.gateway_check import account, message, statistics_files, steps
from campaigns.results.gateway_check.samples import Recorder, Sample
from campaigns.results.gateway_check.steps import Step
from campaigns.results.models import GatewayCheck
from campaigns.team.brand_keys.in_use import using_key_of

INTERRUPTED_AFTER = timedelta(minutes=2)  # without steps: the process that made them ended


def open_checks() -> QuerySet[GatewayCheck]:
    """The checks that wait for something."""
    return GatewayCheck.objects.filter(ended_at=None).select_related("campaign")


def follow(now: datetime) -> None:
    """Look after the checks whose message is under way; where it has ended, ask for its status."""
    for check in open_checks():
        if check.campaign is not None:
            with using_key_of(check.campaign.brand_id):
                _follow_message(check, now)
        elif now > check.started_at + INTERRUPTED_AFTER:
            GatewayCheck.objects.filter(pk=check.pk).update(ended_at=now)


def _follow_message(check: GatewayCheck, now: datetime) -> None:
    recipient = message.recipient_of(check)
    newer, samples = [], message.send_samples(check)
    if recipient and message.is_to_be_asked(check, recipient) and _claim_question(check, now):
        step, asked = _ask_for_status(recipient)
        newer += [step, statistics_files.check_files(client_in_use(), recipient)]
        samples += asked
    if message.is_over(check, recipient, now):
        check.ended_at = now
    write(check, [*newer, *message_steps(check, recipient)], samples)


def note_reports(references: Iterable[str]) -> None:
    """Keep that delivery reports came in, if any of `references` is that of a check's message.

    Called for all reports that come in, so it costs one query of a few rows.
    """
    waiting = dict(
        GatewayCheck.objects.filter(ended_at=None, reported_at=None)
        .exclude(reference="")
        .values_list("reference", "pk")
    )
    reported = [waiting[reference] for reference in references if reference in waiting]
    if reported:
        unreported = GatewayCheck.objects.filter(pk__in=reported, reported_at=None)
        unreported.update(reported_at=timezone.now())


def current_steps(check: GatewayCheck) -> list[Step]:
    """The steps as they are now, in their order."""
    made = steps.from_json(check.steps)
    if check.campaign_id is None or check.ended_at:
        return made
    return _replaced(made, message_steps(check, message.recipient_of(check)))


def is_interrupted(check: GatewayCheck, now: datetime) -> bool:
    """Whether the process that made the steps of `check` ended before it was done."""
    return not check.steps and now > check.started_at + INTERRUPTED_AFTER


def message_steps(check: GatewayCheck, recipient: Recipient | None) -> list[Step]:
    """The steps about the message as they are now; and the sender, once a send has proved it."""
    made = [message.message_step(check, recipient), message.reports_step(check, recipient)]
    if check.asked_at is None:
        made.append(message.unasked_status_step(check, recipient))
    return [*made, *message.sender_steps(check, recipient)]


def write(check: GatewayCheck, newer: Sequence[Step], samples: Sequence[Sample] = ()) -> None:
    """Store `newer` steps, and those of `samples` whose call has none yet, beside what other
    processes store.
    """
    with transaction.atomic():
        stored = GatewayCheck.objects.select_for_update().get(pk=check.pk)
        calls = {sample["call"] for sample in stored.samples}
        check.samples = [*stored.samples, *(s for s in samples if s["call"] not in calls)]
        check.steps = steps.to_json(_replaced(steps.from_json(stored.steps), newer))
        check.ended_at = check.ended_at or stored.ended_at
        check.save(update_fields=["steps", "samples", "ended_at"])


def _replaced(made: Sequence[Step], newer: Sequence[Step]) -> list[Step]:
    """`made` with the steps of `newer` in place of those with the same key."""
    return steps.in_order({step.key: step for step in (*made, *newer)}.values())


def _claim_question(check: GatewayCheck, now: datetime) -> bool:
    """Whether to ask for the status: once, in one process, and only the account in use."""
    unasked = GatewayCheck.objects.filter(of_reachable(), pk=check.pk, asked_at=None)
    if not unasked.update(asked_at=now):
        return False
    check.asked_at = now
    return True


def _ask_for_status(recipient: Recipient) -> tuple[Step, list[Sample]]:
    recorder = Recorder()
    client = account.client(recorder)
    try:
        return message.status_step(client, recipient), recorder.samples
    finally:
        client.close()
