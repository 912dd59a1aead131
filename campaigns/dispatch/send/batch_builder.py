"""Build the request of a claimed batch: its queued recipients, each with their message."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from campaigns.compose.audience.stopped_phones import NO_CONSENT, ON_STOP_LIST, stopped_phones
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import (
    CompiledMessage,
    PersonalLinks,
    RenderedMessage,
    compile_message,
    message_for,
)
from campaigns.compose.message.tracking.codes import link_codes
from campaigns.compose.message.variants import as_variant
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets.reservations import CostCalculator, MaximumCost, has_budget
from campaigns.dispatch.models import Recipient, SendState
from campaigns.dispatch.send.interpret_answer import NotAccepted
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg import delivery_reports
from campaigns.gateway.limits import TEXT_MAX
from campaigns.gateway.types import Address, Message, SendRequest
from campaigns.ledger.models import Purpose

RECIPIENT_TABLE = Recipient._meta.db_table
# Batch number, id, msisdn, reference, and the fields as the database gives them.
RecipientRow = tuple[int, int, str, str, Any]
STOPPED = {
    reason: NotAccepted(SendState.CANCELLED, reason=reason) for reason in (ON_STOP_LIST, NO_CONSENT)
}


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A claimed batch with its request, ready to be sent."""

    claim: Claim
    request: SendRequest | None  # None: nobody in it may be sent to
    ids: dict[str, int]  # reference -> recipient id
    not_accepted: dict[str, NotAccepted]  # by reference: who is not in the request, and why
    maximum_cost: MaximumCost | None = None  # None: no budget limits the campaign


class SentMessage:
    """The message of a campaign, or of one of its variants: what a batch is sent with."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.template: CompiledMessage = compile_message(campaign)
        self.links = self._personal_links()
        # Without merge tags everybody gets the same message.
        self.same_for_all = None if self.template.names else self.render({})

    def _personal_links(self) -> PersonalLinks | None:
        """None without short links, and for a rehearsal, whose messages nobody gets."""
        if not self.template.link_numbers or self.campaign.is_rehearsal:
            return None
        return PersonalLinks(self.campaign.link_base, self.template.link_numbers, link_codes())

    def render(self, fields: dict[str, str]) -> RenderedMessage | NotAccepted:
        """The message of a recipient with these merge `fields`, or why they get none."""
        try:
            rendered = self.template.render(fields)
        except MissingValue:
            return NotAccepted(SendState.REFUSED, reason="missing_value")
        if not 1 <= len(rendered.text) <= TEXT_MAX:
            return NotAccepted(SendState.REFUSED, reason="text_length")
        return rendered

    def group(
        self, rows: list[RecipientRow], stopped: Mapping[str, NotAccepted]
    ) -> tuple[dict[str, NotAccepted], Mapping[RenderedMessage, list[Address]]]:
        """Who is not sent to and why, by reference; and the addresses of each message."""
        same = self.same_for_all
        if isinstance(same, RenderedMessage) and rows and not stopped:  # nearly always
            return {}, {same: [Address(row[2], row[3]) for row in rows]}
        not_accepted: dict[str, NotAccepted] = {}
        addresses: defaultdict[RenderedMessage, list[Address]] = defaultdict(list)
        for _number, _pk, msisdn, reference, fields in rows:
            rendered = stopped.get(msisdn) or same or self.render(_decode_fields(fields))
            if isinstance(rendered, NotAccepted):
                not_accepted[reference] = rendered
            else:
                addresses[rendered].append(Address(msisdn, reference))
        return not_accepted, addresses


class BatchBuilder:
    """Builds the requests of one campaign, whose messages do not change after its launch."""

    def __init__(self, campaign_id: int) -> None:
        self.campaign = Campaign.objects.select_related("sender").get(pk=campaign_id)
        self.names = compile_message(self.campaign).names
        self.purpose = Purpose(self.campaign.purpose)
        self.costs = CostCalculator(self.campaign) if has_budget(self.campaign) else None
        self.report_url = delivery_reports.callback_url()
        self.rehearsal_gateway = (
            RehearsalGateway(self.campaign) if self.campaign.is_rehearsal else None
        )
        self._messages: dict[str, SentMessage] = {}  # by variant

    def _message_of(self, claim: Claim) -> SentMessage:
        """The message of the variant that `claim` has, or, for the rest of a test, of the winner.

        The rest can be claimed only once there is one, which then never changes. Without one it was
        frozen by a version that knew no variants: all get A.
        """
        variant = claim.variant
        if not variant and self.campaign.is_tested:
            if not self.campaign.winner:  # loaded before the decision
                self.campaign.refresh_from_db(fields=["winner"])
            variant = self.campaign.winner
        if variant not in self._messages:
            self._messages[variant] = SentMessage(as_variant(self.campaign, variant))
        return self._messages[variant]

    def enforce_budget(self) -> None:
        """From now on a budget limits this campaign."""
        self.costs = self.costs or CostCalculator(self.campaign)

    def build_batches(self, claims: Sequence[Claim]) -> list[PreparedBatch]:
        """Prepare each of `claims`, which are all of this campaign."""
        rows = self._load_rows([claim.number for claim in claims])
        stopped = self._load_stopped(rows.values())
        return [self._build_batch(claim, rows.get(claim.number, []), stopped) for claim in claims]

    def _load_rows(self, numbers: Sequence[int]) -> dict[int, list[RecipientRow]]:
        """Load the queued recipients of the batches with these numbers."""
        fields = "fields" if self.names else "NULL"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT batch_number, id, msisdn, reference, {fields} FROM {RECIPIENT_TABLE}"  # noqa: S608
                f" WHERE campaign_id = %s AND batch_number IN ({', '.join(map(str, numbers))})"
                " AND send_state = 'queued'"
                " ORDER BY batch_number",
                [self.campaign.pk],
            )
            rows = cursor.fetchall()
        return {number: list(group) for number, group in groupby(rows, itemgetter(0))}

    def _load_stopped(self, groups: Iterable[list[RecipientRow]]) -> dict[str, NotAccepted]:
        """Load which of these phones are not sent to, as they are now."""
        msisdns = [row[2] for rows in groups for row in rows]
        stopped = stopped_phones(self.campaign, msisdns)
        return {msisdn: STOPPED[reason] for msisdn, reason in stopped.items()}

    def _build_batch(
        self, claim: Claim, rows: list[RecipientRow], stopped: Mapping[str, NotAccepted]
    ) -> PreparedBatch:
        message = self._message_of(claim)
        not_accepted, addresses = message.group(rows, stopped)
        messages = tuple(self._requested(message, addresses))
        request = (
            SendRequest(messages, self.campaign.validity, self.campaign.tariff)
            if messages
            else None
        )
        maximum_cost = (
            self.costs.maximum(
                claim.id, claim.country, addresses, len(rows), claim.size - len(rows),
                was_sent=claim.attempts > 0,
            )
            if self.costs
            else None
        )  # fmt: skip
        ids = {row[3]: row[1] for row in rows}
        return PreparedBatch(claim, request, ids, not_accepted, maximum_cost)

    def _requested(
        self, message: SentMessage, addresses: Mapping[RenderedMessage, list[Address]]
    ) -> Iterator[Message]:
        """One for each text; with short links, whose codes differ, one for each recipient."""
        campaign, links = message.campaign, message.links
        for rendered, to in addresses.items():
            if links is None:
                yield message_for(campaign, rendered, tuple(to), self.report_url)
                continue
            for address in to:
                personal = links.put_into(rendered, address.reference)
                yield message_for(campaign, personal, (address,), self.report_url)


def _decode_fields(fields: Any) -> dict[str, str]:
    """The merge fields of a recipient: PostgreSQL gives a dict, SQLite its JSON text."""
    if not fields:
        return {}
    return fields if isinstance(fields, dict) else json.loads(fields)
