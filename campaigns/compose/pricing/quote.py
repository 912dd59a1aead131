"""The gateway's own quote for a sample of the audience, and our estimate for the same sample."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import RenderedMessage, compile_message, message_for
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.contacts.field_types.shown_values import fields_in_message
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
    recipients = Audience.of(campaign).recipients().select_related("list")
    sample = _rendered(campaign, recipients.order_by("list_id", "id")[:MAX_RECIPIENTS])
    if not sample:
        return None
    try:
        answer = price_list.client().quote(_request(campaign, sample))
    except GatewayError:
        return SampleQuote(len(sample), failed=True)
    estimated = _estimate(campaign, [contact for contact, _text in sample], answer.currency)
    return SampleQuote(len(sample), answer.total, estimated, answer.currency)


def _rendered(
    campaign: Campaign, recipients: Iterable[Contact]
) -> list[tuple[Contact, RenderedMessage]]:
    """Those of `recipients` who have a value for each merge tag, with their message: the others get
    none, so that they have a part neither in the quote nor in the estimate.
    """
    template = compile_message(campaign)
    sample = []
    for recipient in recipients:
        try:
            sample.append((recipient, template.render(fields_in_message(recipient))))
        except MissingValue:
            continue
    return sample


def _request(campaign: Campaign, sample: list[tuple[Contact, RenderedMessage]]) -> SendRequest:
    groups: dict[RenderedMessage, list[Address]] = {}
    for number, (recipient, rendered) in enumerate(sample):
        groups.setdefault(rendered, []).append(Address(recipient.msisdn, f"quote{number}"))
    messages = tuple(message_for(campaign, rendered, tuple(to)) for rendered, to in groups.items())
    return SendRequest(messages, campaign.validity, campaign.tariff)


def _estimate(campaign: Campaign, recipients: list[Contact], currency: str) -> Decimal | None:
    prices = price_list.load_prices(price_list.VIBER, campaign.tariff)
    each = [prices.of(recipient.country) for recipient in recipients]
    if any(price is None or price.currency != currency for price in each):
        return None
    return sum((price.amount for price in each if price), ZERO)
