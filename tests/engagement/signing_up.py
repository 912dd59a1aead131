"""A sign-up page whose trigger is on, and browsers that do the work for it."""

import hashlib
import re
from itertools import count
from typing import Any
from urllib.parse import urlencode

from campaigns.compose.models import Trigger
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.moves import Limits
from campaigns.contacts.lists import contact_lists, public_lists
from campaigns.contacts.lists.public_lists import Told
from campaigns.contacts.models import ContactList
from campaigns.engagement.sign_up import terms
from campaigns.engagement.sign_up.models import SignUpPage
from campaigns.engagement.sign_up.terms import Terms
from tests.dispatch import factory
from tests.engagement.visits import Answer, open_path

WORDING = "I agree to get news from Shop."


def trigger(
    people_max: int = 1_000, person_max: int = 3, event: str = "sign-up", **changes: Any
) -> Trigger:
    texts = {"text": "Confirm: {confirm}", "promotional": False, "budget": "5.00"}
    draft = factory.draft(**texts | changes)
    made = moves.set_up(draft.pk, event, Limits(people_max, person_max, 24), None)
    moves.switch_on(made.pk, None)
    return made


def news(name: str = "News") -> ContactList:
    """A list that is offered."""
    made = contact_lists.create(name, None)
    public_lists.offer(made, Told(f"Shop {name}", "Once a week"), None)
    return ContactList.objects.get(pk=made.pk)


def opened(contacts: ContactList | None = None, sent_by: Trigger | None = None) -> SignUpPage:
    contacts = contacts or news()
    terms.set_terms(contacts, Terms(True, WORDING, sent_by or trigger()), None)
    page = terms.page_of(contacts)
    assert page is not None
    return page


def challenge(page: SignUpPage) -> str:
    body = open_path(f"/s/{page.code}").body.decode()
    found = re.search(r'name="challenge" value="([^"]+)"', body)
    assert found is not None
    return found[1]


def solve(text: str, bits: int = 8) -> str:
    for number in count():
        digest = hashlib.sha256(f"{text}.{number}".encode()).digest()
        if int.from_bytes(digest) >> 256 - bits == 0:
            return str(number)
    raise AssertionError


def ask(page: SignUpPage, phone: str = "0971234567", **changes: str) -> Answer:
    """The answer to the form of the page, with the work done for it."""
    fields = {"phone": phone, "agreed": "on"} | changes
    if "challenge" not in fields:
        fields["challenge"] = challenge(page)
    if "answer" not in fields:
        fields["answer"] = solve(fields["challenge"])
    address = fields.pop("address", "203.0.113.5")
    return open_path(f"/s/{page.code}", method="POST", form=urlencode(fields), address=address)
