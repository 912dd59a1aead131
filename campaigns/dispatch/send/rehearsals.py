"""Rehearsals on their way: which gateway answers for them, and what it is told."""

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


class RehearsalGateway:
    """The gateways of one rehearsal, one for each country: its people are billed by the price list
    as it is kept.
    """

    def __init__(self, campaign: Campaign) -> None:
        if not campaign.is_rehearsal:
            raise ValueError("not a rehearsal")
        self.campaign = campaign
        self._template = compile_message(campaign)
        self._viber = stored_prices(VIBER, campaign.tariff)
        self._sms = stored_prices(SMS, campaign.tariff) if campaign.sms_text else None

    def client(
        self, country: str, people: Sequence[Recipient] = (), sent_at: datetime | None = None
    ) -> Client:
        """The gateway for people of `country`; it had accepted the messages to `people` at
        `sent_at`.
        """
        kept = [self._kept(person, sent_at) for person in people] if sent_at else []
        return rehearsal.client(self._rates(country), kept)

    def _rates(self, country: str) -> rehearsal.Rates:
        viber = self._viber.of(country)
        sms = self._sms.of(country) if self._sms else None
        currency = viber.currency if viber else sms.currency if sms else ""
        return rehearsal.Rates(
            viber.amount if viber else None,
            sms.amount if sms and sms.currency == currency else None,
            currency,
        )

    def _kept(self, person: Recipient, sent_at: datetime) -> rehearsal.Kept:
        parts = 0
        if self.campaign.sms_text:
            try:
                parts = measure_sms(self._template.render(person.fields).sms_text).parts
            except MissingValue:  # then it was never accepted
                parts = 0
        return rehearsal.Kept(
            person.reference, person.msisdn, sent_at, self.campaign.validity, parts
        )
