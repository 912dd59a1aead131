"""Batch -> request: who in it is still to be sent to, and with which words."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import (
    CompiledMessage,
    RenderedMessage,
    compile_message,
    message_for,
)
from campaigns.compose.models import Campaign
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.budgets.holds import Worst, WorstCase, is_guarded
from campaigns.dispatch.models import Recipient, SendState
from campaigns.dispatch.send.interpret_answer import Ending
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg import delivery_reports
from campaigns.gateway.limits import TEXT_MAX
from campaigns.gateway.types import Address, Message, SendRequest
from campaigns.ledger.models import Purpose

RECIPIENT = Recipient._meta.db_table
STOPPED = StopListEntry._meta.db_table
# batch number, id, msisdn, reference, fields as the database gives them
Row = tuple[int, int, str, str, Any]
STOPPED_ENDING = Ending(SendState.CANCELLED, reason="stop_list")


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch, ready to leave."""

    claim: Claim
    request: SendRequest | None  # None: nobody in it may be sent to
    ids: dict[str, int]  # reference -> recipient
    ended: dict[str, Ending]  # by reference: whoever the gateway will not see, and why
    worst: Worst | None = None  # what it can cost, where there is a budget


class BatchBuilder:
    """Packs the batches of one campaign, whose words do not change after its launch."""

    def __init__(self, campaign_id: int) -> None:
        self.campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
        self.template: CompiledMessage = compile_message(self.campaign)
        self.purpose = Purpose(self.campaign.purpose)
        self.falls_back = bool(self.campaign.sms_text)
        self.worst_case = WorstCase(self.campaign) if is_guarded(self.campaign) else None
        self.reports_to = delivery_reports.address()
        self.stage = RehearsalGateway(self.campaign) if self.campaign.is_rehearsal else None
        # where everybody gets the same words
        self._same = None if self.template.names else self._render({})

    def guard(self) -> None:
        """From now on a budget limits this campaign."""
        self.worst_case = self.worst_case or WorstCase(self.campaign)

    def pack(self, claims: Sequence[Claim]) -> list[PreparedBatch]:
        """A parcel for each of `claims`, all of this campaign."""
        rows = self._rows([claim.number for claim in claims])
        stopped = self._stopped(rows.values())
        return [self._parcel(claim, rows.get(claim.number, []), stopped) for claim in claims]

    def _rows(self, numbers: Sequence[int]) -> dict[int, list[Row]]:
        """The queued recipients of these batches."""
        fields = "fields" if self.template.names else "NULL"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT batch_number, id, msisdn, reference, {fields} FROM {RECIPIENT}"  # noqa: S608
                f" WHERE campaign_id = %s AND batch_number IN ({', '.join(map(str, numbers))})"
                " AND send_state = 'queued'"
                " ORDER BY batch_number",
                [self.campaign.pk],
            )
            found = cursor.fetchall()
        return {number: list(group) for number, group in groupby(found, itemgetter(0))}

    def _stopped(self, groups: Iterable[list[Row]]) -> set[str]:
        """Who of them came onto the stop list since the freeze looked."""
        newest = StopListEntry.objects.order_by("-pk").first()
        if newest is None or (
            self.campaign.launched_at and newest.created_at < self.campaign.launched_at
        ):
            return set()
        msisdns = [row[2] for rows in groups for row in rows]
        return set(
            StopListEntry.objects.filter(msisdn__in=msisdns).values_list("msisdn", flat=True)
        )

    def _parcel(self, claim: Claim, rows: list[Row], stopped: set[str]) -> PreparedBatch:
        ended, addresses = self._sorted_out(rows, stopped)
        messages = tuple([self._message(rendered, to) for rendered, to in addresses.items()])
        request = (
            SendRequest(messages, self.campaign.validity, self.campaign.tariff)
            if messages
            else None
        )
        people = [(words, len(to)) for words, to in addresses.items()]
        worst = self.worst_case.of(claim.country, people) if self.worst_case else None
        return PreparedBatch(claim, request, {row[3]: row[1] for row in rows}, ended, worst)

    def _sorted_out(
        self, rows: list[Row], stopped: set[str]
    ) -> tuple[dict[str, Ending], Mapping[RenderedMessage, list[Address]]]:
        """By reference whoever is not sent to, and why; by words whoever is."""
        if isinstance(self._same, RenderedMessage) and rows and not stopped:  # as nearly always
            return {}, {self._same: [Address(row[2], row[3]) for row in rows]}
        ended: dict[str, Ending] = {}
        addresses: defaultdict[RenderedMessage, list[Address]] = defaultdict(list)
        for _number, _pk, msisdn, reference, fields in rows:
            words = (
                STOPPED_ENDING
                if msisdn in stopped
                else self._same or self._render(_decoded(fields))
            )
            if isinstance(words, Ending):
                ended[reference] = words
            else:
                addresses[words].append(Address(msisdn, reference))
        return ended, addresses

    def _render(self, fields: dict[str, str]) -> RenderedMessage | Ending:
        try:
            rendered = self.template.render(fields)
        except MissingValue:
            return Ending(SendState.REFUSED, reason="missing_value")
        if not 1 <= len(rendered.text) <= TEXT_MAX:
            return Ending(SendState.REFUSED, reason="text_length")
        return rendered

    def _message(self, rendered: RenderedMessage, to: list[Address]) -> Message:
        return message_for(self.campaign, rendered, tuple(to), self.reports_to)


def _decoded(fields: Any) -> dict[str, str]:
    if not fields:
        return {}
    return fields if isinstance(fields, dict) else json.loads(fields)
