"""Campaigns with stored contacts, launched or not, for the tests of dispatch and results."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Model
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.compose.launch import lifecycle
from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, Sender
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import AccountRate, Batch, Heartbeat, Pace

COUNTRIES = (("UA", "38097"), ("RO", "40721"), ("BG", "35988"))
SOON = timedelta(minutes=5)
MOMENTS: dict[type[Model], tuple[str, ...]] = {
    Batch: (
        "lease_until",
        "not_before",
        "intended_at",
        "in_flight_until",
        "first_sent_at",
        "done_at",
    ),
    Heartbeat: ("until",),
    Pace: ("at", "until"),
    AccountRate: ("at", "until", "failed_at", "window_at"),
    OrmQ: ("lock",),
}


def contact_list(name: str, people: int, start: int = 0, **fields: str) -> ContactList:
    """A list of so many `people`, in three countries in turn; `start` decides their phones."""
    contacts = ContactList.objects.create(name=name, contact_count=people, fields=sorted(fields))
    Contact.objects.bulk_create(
        Contact(
            list=contacts, msisdn=phone(number), country=COUNTRIES[number % 3][0], fields=fields
        )
        for number in range(start, start + people)
    )
    return contacts


def phone(number: int) -> str:
    """The phone of the contact with this number; always a valid mobile number."""
    return f"{COUNTRIES[number % 3][1]}{number:0{12 - len(COUNTRIES[number % 3][1])}d}"


def draft(*lists: ContactList, **changes: Any) -> Campaign:
    """A draft to `lists` that may be launched."""
    sender, _created = Sender.objects.get_or_create(name="Shop")
    campaign = Campaign.objects.create(
        name="Autumn", sender=sender, **({"text": "Hello!"} | changes)
    )
    campaign.lists.set(lists)
    return campaign


def launched(people: int = 120, **changes: Any) -> Campaign:
    """A campaign to a new list of so many `people`, launched and frozen: ready to send."""
    return launched_to(contact_list(f"List of {people}", people), **changes)


def launched_to(contacts: ContactList, **changes: Any) -> Campaign:
    """A campaign to this list, launched and frozen: ready to send."""
    campaign = draft(contacts, **changes)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + SOON)
    campaign.refresh_from_db()
    return campaign


def an_hour_later() -> None:
    """Make everything due that is due within an hour, and the next poll for results."""
    for model, names in MOMENTS.items():
        model._default_manager.update(**{name: F(name) - timedelta(hours=1) for name in names})
    Batch.objects.filter(check_at__isnull=False).update(check_at=timezone.now())


def variant_of(campaign: Campaign, reference: str) -> str:
    """The variant that the last digits of a `reference` decide, worked out without the database;
    "" for one who gets the winner.
    """
    letters, share = letters_of(campaign), campaign.test_share if campaign.is_tested else 100
    number = int(reference[-8:], 16)
    for place, letter in enumerate(letters, 1):
        if number < 16**8 * share * place // (100 * len(letters)):
            return letter
    return ""
