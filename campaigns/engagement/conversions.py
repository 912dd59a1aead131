"""Conversions: what recipients did where a tracked link led them, such as an order, as the system
there reports it by the value of `vd_click`.

Amounts are revenue of whoever reports them. They are no costs, and never in the ledger.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import as_variant
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Conversion
from campaigns.engagement.targets import read_click_value, variant_of
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange
from campaigns.shared.money import exact

CONVERTED = "message.converted"


class UnknownClickError(ValueError):
    """No recipient was given this value of `vd_click`."""


class OtherContentError(ValueError):
    """A conversion with this id and other content was recorded before."""


@dataclass(frozen=True, slots=True)
class OpenedBy:
    """Whom a value of `vd_click` stands for, and the number of their link."""

    recipient: Recipient
    campaign: Campaign
    number: int


def find_click(value: str) -> OpenedBy:
    """Of any brand. Raises UnknownClickError."""
    read = read_click_value(value)
    if read is None:
        raise UnknownClickError
    first, last, number = read
    found = Recipient._base_manager.filter(reference__gte=first, reference__lte=last)
    rows = list(found.select_related("campaign__brand")[:2])
    if len(rows) != 1:
        raise UnknownClickError
    campaign = rows[0].campaign
    letter = variant_of(campaign.pk, rows[0].batch_number) if campaign.variants else ""
    links = tracking_of(as_variant(campaign, letter)).links
    if not campaign.tracks_conversions or number >= len(links):
        raise UnknownClickError
    return OpenedBy(rows[0], campaign, number)


@transaction.atomic
def record(
    click: OpenedBy, conversion_id: str, value: Decimal | None = None, currency: str = ""
) -> Conversion:
    """Record a conversion with the id of whoever reports it, once: again, it is the one that was
    recorded. `currency` is that of `value`. Raises OtherContentError.
    """
    content = {
        "campaign": click.campaign, "recipient": click.recipient, "number": click.number,
        "value": value, "currency": currency,
    }  # fmt: skip
    row, is_new = Conversion._base_manager.get_or_create(
        brand=click.campaign.brand,
        conversion_id=conversion_id,
        defaults={**content, "at": timezone.now()},
    )
    if is_new:
        _tell(row)
    elif any(getattr(row, name) != own for name, own in content.items()):
        raise OtherContentError
    return row


def _tell(row: Conversion) -> None:
    facts = {
        "conversion": {
            "id": row.conversion_id,
            "value": None if row.value is None else exact(row.value),
            "currency": row.currency,
        },
        "link": {"number": row.number},
    }
    change = NewChange(
        row.brand_id, CONVERTED, row.campaign_id, facts=facts, messages=[row.recipient_id]
    )
    recording.record([change], recording.load_wanted(CONVERTED))
