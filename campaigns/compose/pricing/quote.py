"""The gateway's own word on the cost of a sample, beside what this house counts for the same
people.
"""

from dataclasses import dataclass
from decimal import Decimal

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import RenderedMessage, compile_message, message_for
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.contacts.models import Contact
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import Address, SendRequest
from campaigns.shared.money import ZERO


@dataclass(frozen=True, slots=True)
class SampleQuote:
    """What `people` would cost when Viber reaches them all: as the gateway says, and as counted
    here.

    `counted` is None where a price is not known, or stands in another currency. `failed`: the
    gateway did not answer.
    """

    people: int
    asked: Decimal | None = None
    counted: Decimal | None = None
    currency: str = ""
    failed: bool = False

    @property
    def difference(self) -> Decimal | None:
        """How much more the gateway says."""
        return None if self.asked is None or self.counted is None else self.asked - self.counted


def quote_sample(campaign: Campaign) -> SampleQuote | None:
    """Ask the gateway what the first people of the audience would cost; nothing is sent. None where
    there is nobody.
    """
    people = list(Audience.of(campaign).people().order_by("list", "id")[:MAX_RECIPIENTS])
    request = _request(campaign, people)
    if not request.messages:
        return None
    count = sum(len(message.to) for message in request.messages)
    try:
        answer = price_list.client().quote(request)
    except GatewayError:
        return SampleQuote(count, failed=True)
    counted = _counted(campaign, people, answer.currency)
    return SampleQuote(count, answer.total, counted, answer.currency)


def _request(campaign: Campaign, people: list[Contact]) -> SendRequest:
    template = compile_message(campaign)
    groups: dict[RenderedMessage, list[Address]] = {}
    for number, person in enumerate(people):
        try:
            rendered = template.for_fields(person.fields)
        except MissingValue:
            continue
        groups.setdefault(rendered, []).append(Address(person.msisdn, f"quote{number}"))
    messages = tuple(message_for(campaign, rendered, tuple(to)) for rendered, to in groups.items())
    return SendRequest(messages, campaign.validity, campaign.tariff)


def _counted(campaign: Campaign, people: list[Contact], currency: str) -> Decimal | None:
    known = price_list.load_prices(price_list.VIBER, campaign.tariff)
    each = [known.of(person.country) for person in people]
    if any(price is None or price.currency != currency for price in each):
        return None
    return sum((price.amount for price in each if price), ZERO)
