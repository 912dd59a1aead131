"""Campaigns with real contacts, launched or not, for the tests of sending and of results."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaigns.audience.models import Contact, ContactList
from campaigns.compose import lifecycle
from campaigns.compose.models import Campaign, Sender
from campaigns.dispatch.freezing import freeze

COUNTRIES = (("UA", "38097"), ("RO", "40721"), ("BG", "35988"))
SOON = timedelta(minutes=5)


def contact_list(name: str, people: int, start: int = 0, **fields: str) -> ContactList:
    """A list of `people` in three countries in turn; the same `start` gives the same phones."""
    made = ContactList.objects.create(name=name, contact_count=people, fields=sorted(fields))
    Contact.objects.bulk_create(
        Contact(list=made, msisdn=phone(number), country=COUNTRIES[number % 3][0], fields=fields)
        for number in range(start, start + people)
    )
    return made


def phone(number: int) -> str:
    """The phone of the person with this number: always a valid mobile one."""
    return f"{COUNTRIES[number % 3][1]}{number:0{12 - len(COUNTRIES[number % 3][1])}d}"


def draft(*lists: ContactList, **changes: Any) -> Campaign:
    """A draft to `lists` that may be launched."""
    sender, _made = Sender.objects.get_or_create(name="Shop")
    campaign = Campaign.objects.create(name="Autumn", sender=sender, **({"text": "Hello!"} | changes))
    campaign.lists.set(lists)
    return campaign


def launched(people: int = 120, **changes: Any) -> Campaign:
    """A campaign to a new list of `people`, launched and frozen: ready to send."""
    campaign = draft(contact_list(f"List of {people}", people), **changes)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + SOON)
    campaign.refresh_from_db()
    return campaign
