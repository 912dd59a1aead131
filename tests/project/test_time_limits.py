"""Limits of time that rely on each other: who changes one of them learns here what else holds.

The larger side of each is what waits, or takes over, for whoever has the smaller one.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.contacts import tasks as contact_tasks
from campaigns.contacts.fetching import download, runs
from campaigns.contacts.importing import claims
from campaigns.dispatch import tasks
from campaigns.dispatch.send import account_rate, rate_control, resolve_unknown, sender
from campaigns.dispatch.send.interpret_answer import FIRST_DELAY, MAX_DELAY
from campaigns.dispatch.send.leases import LEASE
from campaigns.dispatch.workers import health, slots
from campaigns.gateway import balance
from campaigns.gateway.bsg import client, status_questions
from campaigns.gateway.limits import MAX_RECIPIENTS, VALIDITY_MAX
from campaigns.management.commands import worker
from campaigns.reports.spend import saved_reports
from campaigns.results import tasks as result_tasks
from campaigns.results.money import gateway_comparison
from campaigns.results.polling import asker, batch_checks, due_batches, poll_schedule
from campaigns.team import safe_mode


def seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


ROOT = Path(settings.BASE_DIR)
TASK = settings.Q_CLUSTER["timeout"]
DEADLINE = client.DEADLINE
QUESTION = DEADLINE + status_questions.LONGEST_WAIT  # the last one of a task, begun in time
LAST_SEND = seconds(max(sender.STALE_AFTER, sender.PARTS_UNTIL)) + DEADLINE  # since its intent
SWEEP = float(re.findall(r"sweep --every (\d+)", (ROOT / "Procfile").read_text())[0])
OPTIONS = settings.DATABASES["default"]["OPTIONS"]
DATABASE_WAIT = OPTIONS.get("timeout") or OPTIONS["connect_timeout"]  # of SQLite, of PostgreSQL


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        # one request, and the lease of its batch
        (client.CONNECT_TIMEOUT, DEADLINE),
        (LAST_SEND, LEASE),
        # an answer that waits for the database still belongs to its sender
        (DEADLINE + sender.DATABASE_RETRY_SECONDS, LEASE),
        # a sender that was held up goes on before the lease of what it has claimed ends
        (sender.STALE_AFTER, LEASE / 2),
        # questions about unknown outcomes end before their lease
        (seconds(tasks.TIME_SLICE) + QUESTION, LEASE),
        # tried again at least once after the database was waited for in vain
        (DATABASE_WAIT, sender.DATABASE_RETRY_SECONDS),
        # a task ends before the queue kills it
        (seconds(tasks.TIME_SLICE) + LAST_SEND, TASK),
        (seconds(tasks.TIME_SLICE + sender.STALE_AFTER) + DEADLINE, TASK),
        (seconds(tasks.TIME_SLICE) + QUESTION, TASK),
        (seconds(result_tasks.SLICE) + QUESTION, TASK),
        (seconds(gateway_comparison.SAMPLE_TIME) + QUESTION, TASK),
        (contact_tasks.MAX_SECONDS, TASK / 2),
        (saved_reports.TIME_LIMIT + settings.EMAIL_TIMEOUT, TASK),
        # a task that waits in a worker's memory is not given to another one meanwhile
        (2 * TASK, settings.Q_CLUSTER["retry"]),
        # a worker that is told to stop lets its senders end
        (seconds(tasks.TIME_SLICE) + DEADLINE, worker.DRAIN_SECONDS),
        # slots: renewed several times before they end, also while questions are asked
        (3 * slots.RENEW_INTERVAL, slots.LEASE),
        (sender.IDLE_SECONDS, slots.RENEW_INTERVAL),
        (status_questions.KEEP_INTERVAL, slots.RENEW_INTERVAL),
        (status_questions.LONGEST_WAIT, slots.LEASE),
        (asker.LONGEST_SLEEP, slots.RENEW_INTERVAL),
        (slots.LEASE, slots.ABANDONED_AFTER),
        # a batch that is being polled is asked about by nobody else
        (seconds(result_tasks.SLICE) + QUESTION, due_batches.CLAIM_TIME),
        (TASK, due_batches.CLAIM_TIME),
        (batch_checks.RETRY_AFTER, batch_checks.RETRY_RARELY),
        (poll_schedule.FIRST_CHECK, poll_schedule.LONGEST),
        (poll_schedule.DECIDED_AFTER, poll_schedule.AFTER_VALIDITY),
        (timedelta(seconds=VALIDITY_MAX) + poll_schedule.AFTER_VALIDITY, batch_checks.RETRY_FOR),
        # imports: a slice takes a second or two
        (20, claims.LEASE),
        # a file from an address: its task ends before the queue kills it, and before its claim
        (download.LIMITS.seconds + DATABASE_WAIT, TASK),
        (TASK, claims.OPENING_LEASE),
        (TASK, runs.LEASE),
        # the queue: quiet, then stalled, and then a task may be at work for all of its time
        (health.SIGN_INTERVAL, health.QUIET_AFTER),
        (SWEEP, health.QUIET_AFTER),
        (health.QUIET_AFTER, health.STALLED_AFTER / 2),
        (health.STALLED_AFTER, health.LONGEST_PATIENCE),
        # a database in use is swept much more often than one that counts as unused
        (4 * SWEEP, safe_mode.UNUSED_AFTER),
        # unknown outcomes
        (FIRST_DELAY, MAX_DELAY),
        (MAX_DELAY, resolve_unknown.RARE_DELAY),
        (timedelta(seconds=VALIDITY_MAX) + resolve_unknown.GRACE, resolve_unknown.ASK_FOR),
        (DEADLINE, resolve_unknown.GRACE),
        # the account's rate
        (account_rate.WINDOW, account_rate.LONGEST_WINDOW),
        (account_rate.SUCCESS_NOTED_EVERY, account_rate.TROUBLE_AFTER),
        (2**rate_control.LAST_DOUBLING, account_rate.TROUBLE_AFTER),
        (account_rate.LONGEST_RETRY_AFTER, account_rate.TROUBLE_AFTER),
        # a page shows the balance it has rather than wait for a gateway that is slow
        (balance.DEADLINE, DEADLINE),
        (balance.FRESH_FAILURE_SECONDS, balance.FRESH_SECONDS),
    ],
)
def test_shorter_limit_ends_before_the_longer_one(
    shorter: timedelta | float, longer: timedelta | float
) -> None:
    assert 0 < seconds(shorter) < seconds(longer)


def test_stalled_queue_is_not_one_with_a_long_task() -> None:
    assert seconds(health.STALLED_AFTER) >= TASK


def test_quarantine_is_on_by_default() -> None:
    assert settings.RECONCILE_QUARANTINE >= DEADLINE


def test_batches_fill_a_request() -> None:
    assert MAX_RECIPIENTS == 50
    assert account_rate.LOWEST_RATE < account_rate.FIRST_RATE
