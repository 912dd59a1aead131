"""Send batches: the loop of claim, intent, send, interpret, record.

One thread works with the database, in rounds; the threads of a pool work with the gateway alone.
Each round is one transaction, in this order:

1. Record the outcomes of what was answered since the last round (record_outcomes).
2. Commit the intent for prepared batches that may leave now (leases.record_intents): within the
   sending hours, the rates and the budgets.
3. Claim more batches (leases.claim); their requests are built after the commit (batch_builder).

After the commit the batches with an intent go to the pool, which posts them and puts the answers
in a queue. What the sender holds in memory changes only after the commit, so a round can be
repeated when the database connection is lost in the middle of it. A crash loses only memory: the
sweep returns claimed batches, and resolve_unknown asks for those that have an intent.
"""

import gc
import logging
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.pause_reasons import Pause
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.send import account_rate, rate_control
from campaigns.dispatch.send.batch_builder import BatchBuilder, PreparedBatch
from campaigns.dispatch.send.leases import Claim, claim, record_intents, release_claims
from campaigns.dispatch.send.read_outcome import OutcomeReader, PostResult
from campaigns.dispatch.send.record_outcomes import BatchOutcome, write_outcomes
from campaigns.dispatch.send.running_campaigns import RunningCampaign, load_running
from campaigns.dispatch.send.split_request import send_in_parts
from campaigns.dispatch.workers import stopping
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError, GatewayRefused
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import SendAnswer, Unknown
from campaigns.shared import database_clock

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_WAITING_BATCHES = 256  # with a committed intent, waiting for a free connection
STALE_AFTER = timedelta(seconds=20)  # a batch that waited so long is released, not sent
# A refused request is sent in parts for so long: another one ends before the lease does.
PARTS_UNTIL = timedelta(seconds=50)
IDLE_SECONDS = 0.2  # to wait for an answer before the next round
# How long a lost database connection is retried before the answers in memory are given up.
DATABASE_RETRY_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What the transaction of one round decided."""

    to_send: list[PreparedBatch]  # their intent is committed
    waiting: list[PreparedBatch]  # claimed, may not leave yet
    new_claims: list[Claim]
    running: list[RunningCampaign]
    intended_at: datetime  # by the database's clock
    decided_at: datetime  # by this machine's, for deadlines


class BatchSender:
    """One run of sending, for a limited time.

    client: the gateway; None for a run that sends only rehearsals, each to a simulated gateway of
        its own, without the account's rate. A run with a gateway sends no rehearsals.
    connections: how many requests may be open at once.
    until: the moment after which no request leaves any more.
    keep_going: called in every round; False ends the run (the worker slot was lost).
    """

    def __init__(
        self,
        client: Client | None,
        connections: int,
        until: datetime,
        keep_going: Callable[[], bool] = lambda: True,
    ) -> None:
        self.client = client
        self.connections = connections
        self.capacity = 2 * connections
        self.until = until
        self.keep_going = keep_going
        self.token = secrets.token_hex(16)
        self.builders: dict[int, BatchBuilder] = {}
        self.prepared: list[PreparedBatch] = []
        self.running: dict[int, RunningCampaign] = {}
        self.results: SimpleQueue[PostResult] = SimpleQueue()
        self.outstanding = 0  # in the pool
        self.reader = OutcomeReader(gateway_was_down=account_rate.is_down())
        self.probe: Future[bool] | None = None  # whether a gateway that was down answers
        self.is_throttled = False  # prepared batches wait, and none may leave now

    def run(self) -> bool:
        """Send until the time is over or nothing can be claimed.

        Returns whether the time was over while campaigns were still running.
        """
        # Objects loaded until now are not looked through again in each garbage collection.
        gc.freeze()
        with ThreadPoolExecutor(self.connections, "gateway") as pool:
            while True:
                outcomes = [
                    self.reader.read(result, self.builders[result.batch.claim.campaign_id])
                    for result in self._collect_results()
                ]
                # Also after the time is over: while requests are open, nobody else takes the slot.
                is_ours = _retry_database(self.keep_going)
                going_on = is_ours and timezone.now() < self.until
                plan = _retry_database(
                    lambda o=outcomes, g=going_on: self._plan_round(o, g)  # type: ignore[misc]
                )
                failpoint("intended")
                self._submit(plan, pool)
                self._probe_gateway(pool)
                self.prepared = plan.waiting + _retry_database(
                    lambda claims=plan.new_claims: self._build_batches(claims)  # type: ignore[misc]
                )
                if not self.outstanding and not self.prepared:
                    break
        if self.probe:
            self._record_probe(self.probe)
        return not going_on and bool(plan.running)

    def _collect_results(self) -> list[PostResult]:
        """Take the results that have arrived; if there are none, wait a moment for the first."""
        results: list[PostResult] = []
        try:
            if self.outstanding or self.is_throttled:
                results.append(self.results.get(timeout=IDLE_SECONDS))
            while True:
                results.append(self.results.get_nowait())
        except Empty:
            self.outstanding -= len(results)
        # A fast gateway answers many requests during one round. As many have to be ready then, or
        # its connections are idle.
        self.capacity = self.connections + min(
            max(self.connections, 2 * len(results)), MAX_WAITING_BATCHES
        )
        return results

    def _plan_round(self, outcomes: list[BatchOutcome], going_on: bool) -> RoundPlan:
        """The transaction of a round: record outcomes, commit intents, claim."""
        decided_at = timezone.now()
        with transaction.atomic():
            now = database_clock.now()
            answered = write_outcomes(outcomes, self.token, now)
            campaigns = self._running(now, {pause.campaign_id for pause in answered}, going_on)
            sendable, waiting = self._split_by_rate(campaigns, now)
            limit, pauses = self._limit_of(sendable, now)
            leaving = sendable[:limit]
            intents = record_intents([batch.claim for batch in leaving], self.token, now)
            intended = {claim.id: claim for claim in intents}
            reservations.reserve(
                {
                    batch.claim.id: batch.maximum_cost
                    for batch in leaving
                    if batch.claim.id in intended
                }
            )
            for pause in (*answered, *pauses):
                lifecycle.pause_if_running(*pause)
            waiting = sendable[limit:] + waiting
            self._return_unused_rates(campaigns, sendable, intended)
            self._release_others(set(intended) | {batch.claim.id for batch in waiting})
            new_claims = self._claim_more(campaigns, waiting, now)
            # A batch whose lease ended while it waited can be claimed by us again: its request is
            # built anew, and it is never sent twice.
            claimed_again = {claim.id for claim in new_claims}
            waiting = [batch for batch in waiting if batch.claim.id not in claimed_again]
            failpoint("claimed")
        to_send = [
            replace(batch, claim=intended[batch.claim.id])
            for batch in sendable
            if batch.claim.id in intended
        ]
        return RoundPlan(to_send, waiting, new_claims, campaigns, now, decided_at)

    def _running(
        self, now: datetime, pausing: Collection[int], going_on: bool
    ) -> list[RunningCampaign]:
        """The campaigns that may send, without those `pausing` (ids) in this round."""
        campaigns = load_running(now, rehearsals=self.client is None) if going_on else []
        return [campaign for campaign in campaigns if campaign.id not in pausing]

    def _limit_of(self, sendable: list[PreparedBatch], now: datetime) -> tuple[int, list[Pause]]:
        """How many of `sendable` may leave by connections, account rate and budgets.

        Also the campaigns to pause because they reached a budget.
        """
        limit = min(len(sendable), self.capacity - self.outstanding)
        if self.client:
            limit = account_rate.allow(limit, now)
        return reservations.count_affordable([batch.maximum_cost for batch in sendable[:limit]])

    def _split_by_rate(
        self, campaigns: list[RunningCampaign], now: datetime
    ) -> tuple[list[PreparedBatch], list[PreparedBatch]]:
        """The prepared batches that may leave now, and those that their campaign's rate delays."""
        by_id = {campaign.id: campaign for campaign in campaigns}
        sendable = [
            batch
            for batch in self.prepared
            if _may_be_sent(batch, by_id.get(batch.claim.campaign_id))
        ]
        rates = {campaign.id: campaign.rate for campaign in campaigns if campaign.rate}
        if not rates:
            return sendable, []
        answers = rate_control.allow_by_rate(
            [batch.claim.campaign_id for batch in sendable], rates, now
        )
        by_answer: dict[bool, list[PreparedBatch]] = {True: [], False: []}
        for batch, is_allowed in zip(sendable, answers, strict=True):
            by_answer[is_allowed].append(batch)
        return by_answer[True], by_answer[False]

    @staticmethod
    def _return_unused_rates(
        campaigns: list[RunningCampaign],
        sendable: list[PreparedBatch],
        intended: Collection[int],
    ) -> None:
        """Return to a campaign's rate what it allowed and something else held up."""
        rated = {campaign.id for campaign in campaigns if campaign.rate}
        unused = Counter(
            batch.claim.campaign_id for batch in sendable if batch.claim.id not in intended
        )
        rate_control.return_unused(
            {
                campaign_id: batches
                for campaign_id, batches in unused.items()
                if campaign_id in rated
            }
        )

    def _release_others(self, kept: set[int]) -> None:
        """Release batches that neither leave nor wait: paused, other hours, or the time is over."""
        release_claims(
            [batch.claim.id for batch in self.prepared if batch.claim.id not in kept], self.token
        )

    def _claim_more(
        self, campaigns: list[RunningCampaign], waiting: list[PreparedBatch], now: datetime
    ) -> list[Claim]:
        """Claim batches up to the capacity: each campaign its fair share, one with a rate less."""
        claims: list[Claim] = []
        free = self.capacity - len(waiting)
        delayed = {batch.claim.campaign_id for batch in waiting}
        for remaining, campaign in zip(range(len(campaigns), 0, -1), campaigns, strict=True):
            share = -(-(free - len(claims)) // remaining)
            if campaign.rate:
                share = (
                    0 if campaign.id in delayed else min(share, 1 + campaign.rate // MAX_RECIPIENTS)
                )
            if share > 0:
                claims += claim(campaign.id, share, self.token, now, campaign.open_places)
        return claims

    def _submit(self, plan: RoundPlan, pool: ThreadPoolExecutor) -> None:
        """Hand the batches whose intent is committed to the pool."""
        self.running = {campaign.id: campaign for campaign in plan.running}
        for campaign_id, builder in self.builders.items():
            if campaign_id in self.running and self.running[campaign_id].has_budget:
                builder.enforce_budget()
        self.is_throttled = bool(plan.waiting) and not plan.to_send
        for batch in plan.to_send:
            self.outstanding += 1
            pool.submit(self._post, batch, plan.intended_at, plan.decided_at)

    def _probe_gateway(self, pool: ThreadPoolExecutor) -> None:
        """Ask a gateway that was down whether it answers, while batches wait for it."""
        if self.probe and self.probe.done():
            self._record_probe(self.probe)
            self.probe = None
        client = self.client
        if (
            client
            and self.is_throttled
            and not self.probe
            and account_rate.take_probe(database_clock.now())
        ):
            self.probe = pool.submit(_is_answering, client)

    def _record_probe(self, probe: "Future[bool]") -> None:
        if account_rate.record_probe(probe.result(), database_clock.now()):
            for campaign_id in self.running:
                lifecycle.pause_if_running(campaign_id, "gateway_trouble")

    def _build_batches(self, claims: list[Claim]) -> list[PreparedBatch]:
        by_campaign: defaultdict[int, list[Claim]] = defaultdict(list)
        for new_claim in claims:
            by_campaign[new_claim.campaign_id].append(new_claim)
        return [
            batch
            for campaign_id, own_claims in by_campaign.items()
            for batch in self._builder_of(campaign_id).build_batches(own_claims)
        ]

    def _builder_of(self, campaign_id: int) -> BatchBuilder:
        if campaign_id not in self.builders:
            self.builders[campaign_id] = BatchBuilder(campaign_id)
        return self.builders[campaign_id]

    # In the threads of the pool

    def _post(self, batch: PreparedBatch, intended_at: datetime, decided_at: datetime) -> None:
        answer = None
        try:
            if batch.request and not self._must_not_leave(batch, decided_at):
                failpoint("before_post")
                answer = send_in_parts(
                    self._client_for(batch).send,
                    batch.request,
                    lambda: timezone.now() - decided_at < PARTS_UNTIL,
                )
                failpoint("after_post")
        except Exception as defect:  # whatever it is, the batch has to come back
            logger.exception("A batch could not be sent")
            answer = SendAnswer(
                {reference: Unknown(type(defect).__name__) for reference in batch.ids}
            )
        self.results.put(PostResult(batch, intended_at, answer))

    def _client_for(self, batch: PreparedBatch) -> Client:
        """The gateway that `batch` goes to.

        Raises ValueError for a rehearsal in a run with a gateway, and for any other campaign in a
        run without one.
        """
        rehearsal_gateway = self.builders[batch.claim.campaign_id].rehearsal_gateway
        if (rehearsal_gateway is None) == (self.client is None):
            raise ValueError("a rehearsal and a gateway in one run")
        return self.client or rehearsal_gateway.client(batch.claim.country)  # type: ignore[union-attr]

    def _must_not_leave(self, batch: PreparedBatch, decided_at: datetime) -> bool:
        """Whether it is too late to send `batch`: paused, other hours, its lease may end, or the
        worker is to.
        """
        campaign = self.running.get(batch.claim.campaign_id)
        if stopping.is_requested():  # also what has its intent already
            return True
        if campaign is None or not campaign.sends_to(batch.claim.country, batch.claim.area):
            return True
        return timezone.now() - decided_at > STALE_AFTER


def _is_answering(client: Client) -> bool:
    """Whether the gateway answers at all; a refusal is an answer."""
    try:
        client.balance()
    except GatewayRefused:
        return True
    except GatewayError:
        return False
    return True


def _may_be_sent(batch: PreparedBatch, campaign: RunningCampaign | None) -> bool:
    """Whether `campaign`, None if it does not run, sends `batch` now.

    Under a budget only a batch whose maximum cost was calculated.
    """
    if campaign is None or not campaign.sends_to(batch.claim.country, batch.claim.area):
        return False
    return batch.maximum_cost is not None or not campaign.has_budget


def _retry_database(step: Callable[[], T]) -> T:
    """Run `step`, and again while the database is unavailable: answers in memory must not be lost.

    Raises the database's error after DATABASE_RETRY_SECONDS.
    """
    give_up = time.monotonic() + DATABASE_RETRY_SECONDS
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > give_up:
                raise
            logger.warning("The database is unavailable; trying again: %s", error)
            connection.close()
            time.sleep(0.5)
