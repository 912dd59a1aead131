"""Lists, contacts, users and drafts for the tests of compose."""

from collections.abc import Mapping, Sequence

from campaigns.compose.models import Campaign, Sender
from campaigns.contacts.models import Contact, ContactList, StopListEntry
from campaigns.team.models import Role, User

Person = tuple[str, str, Mapping[str, str]]  # phone, country, merge fields


def contact_list(
    name: str, people: Sequence[Person], fields: Sequence[str] = ("first_name", "city")
) -> ContactList:
    made = ContactList.objects.create(name=name, fields=list(fields), contact_count=len(people))
    Contact.objects.bulk_create(
        Contact(list=made, msisdn=msisdn, country=country, fields=dict(values))
        for msisdn, country, values in people
    )
    return made


def stop(*msisdns: str) -> None:
    StopListEntry.objects.bulk_create(StopListEntry(msisdn=msisdn) for msisdn in msisdns)


def senders(*names: str) -> None:
    for name in names:
        Sender.objects.get_or_create(name=name)


def draft(*lists: ContactList, exclude: Sequence[ContactList] = (), **fields: object) -> Campaign:
    sender, _made = Sender.objects.get_or_create(name="Shop")
    campaign = Campaign.objects.create(
        **{"name": "Spring", "sender": sender, "text": "Hello", **fields}
    )
    campaign.lists.set(lists)
    campaign.exclude_lists.set(exclude)
    return campaign


def person(role: Role = Role.MARKETER, username: str = "olena") -> User:
    return User.objects.create_user(username, password="correct horse", role=role)


def ukrainians(count: int, start: int = 0) -> list[Person]:
    return [
        (f"38097{number:07d}", "UA", {"first_name": f"N{number}"})
        for number in range(start, start + count)
    ]
