"""Phones that get no message of a campaign: looked up again right before one is queued or sent."""

from collections.abc import Collection

from campaigns.compose.audience.selection import needs_consent
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Consent, Person, StopListEntry

ON_STOP_LIST, NO_CONSENT = "stop_list", "no_consent"


def stopped_phones(campaign: Campaign, msisdns: Collection[str]) -> dict[str, str]:
    """Those of `msisdns` that are on the stop list of the brand or of all brands, and those without
    the consent that the campaign needs; each with ON_STOP_LIST or NO_CONSENT.
    """
    of_brand = StopListEntry.objects.belonging_to(campaign.brand_id)
    on_list = StopListEntry.objects.filter(of_brand, msisdn__in=msisdns)
    stopped = dict.fromkeys(on_list.values_list("msisdn", flat=True), ON_STOP_LIST)
    if not needs_consent(campaign):
        return stopped
    agreed = Person.objects.filter(
        brand=campaign.brand_id, consent=Consent.GIVEN, msisdn__in=msisdns
    )
    others = set(msisdns).difference(agreed.values_list("msisdn", flat=True))
    return dict.fromkeys(others, NO_CONSENT) | stopped
