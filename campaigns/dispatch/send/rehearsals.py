"""The gateway of a rehearsal: it answers here, in memory, and bills by the stored price list."""

from collections.abc import Sequence
from datetime import datetime

from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.sms import measure_sms
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.price_list import SMS, VIBER, stored_prices
from campaigns.dispatch.models import Recipient
from campaigns.gateway import rehearsal
from campaigns.gateway.bsg.client import Client
from campaigns.team.brand_keys.in_use import using_key_of


class RehearsalGateway:
    """The simulated gateways of one rehearsal, one for each country."""

    def __init__(self, campaign: Campaign) -> None:
        if not campaign.is_rehearsal:
            raise ValueError("not a rehearsal")
        self.campaign = campaign
        self._template = compile_message(campaign)
        with using_key_of(campaign.brand_id):
            self._viber = stored_prices(VIBER, campaign.tariff)
            self._sms = stored_prices(SMS, campaign.tariff) if campaign.sms_text else None

    def client(
        self, country: str, recipients: Sequence[Recipient] = (), sent_at: datetime | None = None
    ) -> Client:
        """The gateway for `country`, which accepted the messages to `recipients` at `sent_at`."""
        messages = (
            [self._accepted(recipient, sent_at) for recipient in recipients] if sent_at else []
        )
        return rehearsal.client(self._rates(country), messages)

    def _rates(self, country: str) -> rehearsal.Rates:
        viber = self._viber.of(country)
        sms = self._sms.of(country) if self._sms else None
        currency = viber.currency if viber else sms.currency if sms else ""
        return rehearsal.Rates(
            viber.amount if viber else None,
            sms.amount if sms and sms.currency == currency else None,
            currency,
        )

    def _accepted(self, recipient: Recipient, sent_at: datetime) -> rehearsal.KnownMessage:
        parts = 0
        if self.campaign.sms_text:
            try:
                parts = measure_sms(self._template.render(recipient.fields).sms_text).parts
            except MissingValue:  # the message was never accepted
                parts = 0
        return rehearsal.KnownMessage(
            recipient.reference, recipient.msisdn, sent_at, self.campaign.validity, parts
        )
