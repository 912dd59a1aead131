"""The gateway's own quote for a sample of the audience, and our estimate for the same sample."""

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
    """The cost of the sample if Viber reaches everybody: `total` by the gateway, `estimated` by us.

    `estimated` is None if a price is not known or is in another currency. `failed`: the gateway did
    not answer.
    """

    recipients: int
    total: Decimal | None = None
    estimated: Decimal | None = None
    currency: str = ""
    failed: bool = False

    @property
    def difference(self) -> Decimal | None:
        """The gateway's quote minus our estimate; None if either is missing."""
        return None if self.total is None or self.estimated is None else self.total - self.estimated


def quote_sample(campaign: Campaign) -> SampleQuote | None:
    """Ask the gateway for a quote for the first recipients of the audience; nothing is sent.

    None if the audience is empty.
    """
    recipients = list(Audience.of(campaign).recipients().order_by("list", "id")[:MAX_RECIPIENTS])
    request = _request(campaign, recipients)
    if not request.messages:
        return None
    count = sum(len(message.to) for message in request.messages)
    try:
        answer = price_list.client().quote(request)
    except GatewayError:
        return SampleQuote(count, failed=True)
    estimated = _estimate(campaign, recipients, answer.currency)
    return SampleQuote(count, answer.total, estimated, answer.currency)


def _request(campaign: Campaign, recipients: list[Contact]) -> SendRequest:
    template = compile_message(campaign)
    groups: dict[RenderedMessage, list[Address]] = {}
    for number, recipient in enumerate(recipients):
        try:
            rendered = template.render(recipient.fields)
        except MissingValue:
            continue
        groups.setdefault(rendered, []).append(Address(recipient.msisdn, f"quote{number}"))
    messages = tuple(message_for(campaign, rendered, tuple(to)) for rendered, to in groups.items())
    return SendRequest(messages, campaign.validity, campaign.tariff)


def _estimate(campaign: Campaign, recipients: list[Contact], currency: str) -> Decimal | None:
    prices = price_list.load_prices(price_list.VIBER, campaign.tariff)
    each = [prices.of(recipient.country) for recipient in recipients]
    if any(price is None or price.currency != currency for price in each):
        return None
    return sum((price.amount for price in each if price), ZERO)
