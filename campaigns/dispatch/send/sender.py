"""The sender: claims batches, commits the intent, posts over several connections, writes down what
became of them.

One thread talks to the database; the connections' threads know only the gateway. Each turn of the
database thread is one transaction: what was answered since the last turn is closed, the next
intents are committed, the next batches claimed. What it holds in memory changes only after the
commit, so a turn can be repeated when the database went away under it.
"""

import gc
import logging
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.batch_builder import BatchBuilder, PreparedBatch
from campaigns.dispatch.send.interpret_answer import Judgement, Next, judge
from campaigns.dispatch.send.leases import Claim, claim, intend, release
from campaigns.dispatch.send.record_outcomes import Closing, close
from campaigns.dispatch.send.running_campaigns import Running, running
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import SendAnswer, Unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")

WAITING_MAX = 256  # batches whose intent is committed and that wait for a free connection
STALE = timedelta(seconds=20)  # an intent that waited so long is given back, not sent
IDLE = 0.2  # seconds to wait for an answer before looking at the tables again
# seconds in which a database that went away may come back before answers are given up
DATABASE_PATIENCE = 45.0
GATEWAY_DOWN_AFTER = 5  # requests in a row whose outcome is unknown, until everybody slows down


@dataclass(frozen=True, slots=True)
class Posted:
    """A parcel that came back. `answer` None: nothing was sent."""

    parcel: PreparedBatch
    sent_at: datetime
    answer: SendAnswer | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction decided."""

    leaving: list[PreparedBatch]  # their intent is committed
    staying: list[PreparedBatch]  # claimed, not their turn yet
    claims: list[Claim]  # claimed now
    running: list[Running]
    at: datetime


class Sender:
    """One run of sending, for a bounded time.

    `client` is the gateway; without one this run is for rehearsals alone, each with a gateway of
    its own here in the house, and no rate and no brake. With one, no rehearsal is touched.
    `connections` how many requests may be open at once; `until` the moment after which nothing new
    leaves; `keep` is called at every turn and says whether to go on (the seat of the process).
    """

    def __init__(
        self,
        client: Client | None,
        connections: int,
        until: datetime,
        keep: Callable[[], bool] = lambda: True,
    ) -> None:
        self.client = client
        self.connections = connections
        self.capacity = 2 * connections
        self.until = until
        self.keep = keep
        self.token = secrets.token_hex(16)
        self.packers: dict[int, BatchBuilder] = {}
        self.claimed: list[PreparedBatch] = []
        self.running: dict[int, Running] = {}
        self.answers: SimpleQueue[Posted] = SimpleQueue()
        self.outstanding = 0  # handed to the threads and not come back
        # under the brake a single one pulls it further
        self.unknown_in_a_row = GATEWAY_DOWN_AFTER - 1 if rate_control.braked() else 0
        self.held_up = False  # the pace lets nothing leave now

    def run(self) -> bool:
        """Send until the time is over or nothing can be claimed. Whether something was left when
        the time was over.
        """
        # what is loaded by now is not looked through again for each few hundred recipients
        gc.freeze()
        with ThreadPoolExecutor(self.connections, "gateway") as pool:
            while True:
                closings = [self._closing(one) for one in self._collect()]
                going_on = timezone.now() < self.until and _patiently(self.keep)
                turn = _patiently(lambda c=closings, g=going_on: self._turn(c, g))  # type: ignore[misc]
                failpoint("intended")
                self._hand_over(turn, pool)
                self.claimed = turn.staying + _patiently(
                    lambda claims=turn.claims: self._pack(claims)  # type: ignore[misc]
                )
                if not self.outstanding and not self.claimed:
                    return not going_on and bool(turn.running)

    def _collect(self) -> list[Posted]:
        """The answers that are there; waits a moment for the first where there is none."""
        posted: list[Posted] = []
        try:
            if self.outstanding or self.held_up:
                posted.append(self.answers.get(timeout=IDLE))
            while True:
                posted.append(self.answers.get_nowait())
        except Empty:
            self.outstanding -= len(posted)
        # a fast gateway answers many during one turn; as many have to wait then, or its connections
        # stand idle
        self.capacity = self.connections + min(max(self.connections, 2 * len(posted)), WAITING_MAX)
        return posted

    def _turn(self, closings: list[Closing], going_on: bool) -> Turn:
        now = timezone.now()
        with transaction.atomic():
            close(closings, self.token)
            campaigns = running(now, rehearsals=self.client is None) if going_on else []
            able, slow = self._able(campaigns, now)
            room = min(len(able), self.capacity - self.outstanding)
            if self.client:
                room = rate_control.allowance(room, now)
            room, pauses = holds.within([parcel.worst for parcel in able[:room]])
            intended = {
                one.id: one
                for one in intend([parcel.claim for parcel in able[:room]], self.token, now)
            }
            holds.hold(
                {
                    parcel.claim.id: parcel.worst
                    for parcel in able[:room]
                    if parcel.claim.id in intended
                }
            )
            for campaign_id, why in pauses.items():
                lifecycle.pause_if_running(campaign_id, why)
            staying = able[room:] + slow
            self._give_rate_back(campaigns, able, intended)
            self._give_back(set(intended) | {parcel.claim.id for parcel in staying})
            claims = self._claim(campaigns, staying, now)
            # one whose lease ended while it stayed can be claimed by us again: it is packed anew,
            # never sent twice
            anew = {one.id for one in claims}
            staying = [parcel for parcel in staying if parcel.claim.id not in anew]
            failpoint("claimed")
        leaving = [
            replace(parcel, claim=intended[parcel.claim.id])
            for parcel in able
            if parcel.claim.id in intended
        ]
        return Turn(leaving, staying, claims, campaigns, now)

    def _able(
        self, campaigns: list[Running], now: datetime
    ) -> tuple[list[PreparedBatch], list[PreparedBatch]]:
        """What was claimed and may leave at this hour, and what may not yet because of its
        campaign's own rate.
        """
        by_id = {campaign.id: campaign for campaign in campaigns}
        able = [
            parcel
            for parcel in self.claimed
            if _may_leave(parcel, by_id.get(parcel.claim.campaign_id))
        ]
        rates = {campaign.id: campaign.rate for campaign in campaigns if campaign.rate}
        if not rates:
            return able, []
        answers = rate_control.within_rates(
            [parcel.claim.campaign_id for parcel in able], rates, now
        )
        sorted_out: dict[bool, list[PreparedBatch]] = {True: [], False: []}
        for parcel, answer in zip(able, answers, strict=True):
            sorted_out[answer].append(parcel)
        return sorted_out[True], sorted_out[False]

    @staticmethod
    def _give_rate_back(
        campaigns: list[Running], able: list[PreparedBatch], intended: Collection[int]
    ) -> None:
        """What its rate allowed and something else held up does not count against a campaign's
        rate.
        """
        rated = {campaign.id for campaign in campaigns if campaign.rate}
        unused = Counter(p.claim.campaign_id for p in able if p.claim.id not in intended)
        rate_control.give_back(
            {
                campaign_id: batches
                for campaign_id, batches in unused.items()
                if campaign_id in rated
            }
        )

    def _give_back(self, kept: set[int]) -> None:
        """What was claimed and neither leaves nor stays: its campaign was paused, or the time is
        over.
        """
        release(
            [parcel.claim.id for parcel in self.claimed if parcel.claim.id not in kept], self.token
        )

    def _claim(
        self, campaigns: list[Running], staying: list[PreparedBatch], now: datetime
    ) -> list[Claim]:
        """Fill the room, each running campaign in turn with a fair share of it; one with a rate
        takes what it needs.
        """
        claims: list[Claim] = []
        room = self.capacity - len(staying)
        held_up = {parcel.claim.campaign_id for parcel in staying}
        for left, campaign in zip(range(len(campaigns), 0, -1), campaigns, strict=True):
            share = -(-(room - len(claims)) // left)
            if campaign.rate:
                share = (
                    0 if campaign.id in held_up else min(share, 1 + campaign.rate // MAX_RECIPIENTS)
                )
            if share > 0:
                claims += claim(campaign.id, share, self.token, now, campaign.places)
        return claims

    def _hand_over(self, turn: Turn, pool: ThreadPoolExecutor) -> None:
        self.running = {campaign.id: campaign for campaign in turn.running}
        for campaign_id, packer in self.packers.items():
            if campaign_id in self.running and self.running[campaign_id].guarded:
                packer.guard()
        self.held_up = bool(turn.staying) and not turn.leaving
        for parcel in turn.leaving:
            self.outstanding += 1
            pool.submit(self._post, parcel, turn.at)

    def _pack(self, claims: list[Claim]) -> list[PreparedBatch]:
        by_campaign: defaultdict[int, list[Claim]] = defaultdict(list)
        for one in claims:
            by_campaign[one.campaign_id].append(one)
        return [
            parcel
            for campaign_id, ours in by_campaign.items()
            for parcel in self._packer(campaign_id).pack(ours)
        ]

    def _packer(self, campaign_id: int) -> BatchBuilder:
        if campaign_id not in self.packers:
            self.packers[campaign_id] = BatchBuilder(campaign_id)
        return self.packers[campaign_id]

    # In the connections' threads

    def _post(self, parcel: PreparedBatch, intended_at: datetime) -> None:
        answer = None
        try:
            if parcel.request and not self._withheld(parcel, intended_at):
                failpoint("before_post")
                answer = self._gateway(parcel).send(parcel.request)
                failpoint("after_post")
        except Exception as defect:  # whatever it is, the parcel has to come back
            logger.exception("A batch could not be sent")
            answer = SendAnswer(
                {reference: Unknown(type(defect).__name__) for reference in parcel.ids}
            )
        self.answers.put(Posted(parcel, intended_at, answer))

    def _gateway(self, parcel: PreparedBatch) -> Client:
        """Where this parcel goes. Raises ValueError for a rehearsal beside a gateway, and for
        anything else without.
        """
        stage = self.packers[parcel.claim.campaign_id].stage
        if (stage is None) == (self.client is None):
            raise ValueError("a rehearsal and a gateway in one run")
        return self.client or stage.client(parcel.claim.country)  # type: ignore[union-attr]

    def _withheld(self, parcel: PreparedBatch, intended_at: datetime) -> bool:
        """Whether it must not leave any more: paused, other hours, or waited so long that its lease
        is in danger.
        """
        campaign = self.running.get(parcel.claim.campaign_id)
        if campaign is None or not campaign.sends_to(parcel.claim.country, parcel.claim.area):
            return True
        return timezone.now() - intended_at > STALE

    # Back in the database's thread

    def _closing(self, posted: Posted) -> Closing:
        parcel, answer = posted.parcel, posted.answer
        packer = self.packers[parcel.claim.campaign_id]
        judgement = self._judge(parcel, answer)
        judgement.ended.update(parcel.ended)
        return Closing(
            parcel.claim, parcel.ids, judgement, posted.sent_at, packer.purpose,
            held=parcel.worst.amount if parcel.worst else None, falls_back=packer.falls_back,
            what=judgement.what or _what(answer),
            http_status=answer.http_status if answer else None, body=answer.body if answer else "",
        )  # fmt: skip

    def _judge(self, parcel: PreparedBatch, answer: SendAnswer | None) -> Judgement:
        if parcel.request is None:
            return Judgement(left=False)
        if answer is None:
            return Judgement(next=Next.AGAIN, left=False)
        judgement = judge(answer, parcel.claim.attempts)
        lost = all(isinstance(verdict, Unknown) for verdict in answer.verdicts.values())
        self.unknown_in_a_row = self.unknown_in_a_row + 1 if lost else 0
        if self.unknown_in_a_row >= GATEWAY_DOWN_AFTER:
            judgement.slow_down = True
        return judgement


def _may_leave(parcel: PreparedBatch, campaign: Running | None) -> bool:
    """Whether `campaign`, None where it does not run, sends this parcel now. Under a budget its
    worst case is known.
    """
    if campaign is None or not campaign.sends_to(parcel.claim.country, parcel.claim.area):
        return False
    return parcel.worst is not None or not campaign.guarded


def _what(answer: SendAnswer | None) -> str:
    """A line for the evidence."""
    if answer is None:
        return ""
    if answer.refused_whole:
        return f"Refused: {answer.refused_whole.code} {answer.refused_whole.description}"
    if answer.not_sent:
        return "The gateway could not be reached"
    unknown = next(
        (verdict.why for verdict in answer.verdicts.values() if isinstance(verdict, Unknown)), ""
    )
    return unknown or "Some of the recipients were refused"


def _patiently(step: Callable[[], T]) -> T:
    """`step`, tried again while the database is away: what is known of messages on the wire must
    not be lost.
    """
    give_up = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            logger.warning("The database is away; trying again")
            connection.close()
            time.sleep(0.5)
