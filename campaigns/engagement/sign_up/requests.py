"""Requests to be on a list: each becomes an event of the page's trigger, which sends the message
that asks to confirm. Limits, holds, the stop list and the budget are those of the trigger.
"""

import secrets
from datetime import timedelta

from django.db import transaction

from campaigns.compose.triggers.arrivals import Arrival, EventRefused, receive
from campaigns.contacts.phones.parsing import Phone
from campaigns.engagement.sign_up import terms, work
from campaigns.engagement.sign_up.models import SignUp, SignUpPage
from campaigns.shared import database_clock

VALID_FOR = timedelta(hours=24)  # the link of the message
PENDING_FOR = timedelta(hours=1)  # no other request for a phone before, unless it is confirmed


class Closed(Exception):  # noqa: N818 - a refusal
    """The page takes no requests now."""


@transaction.atomic
def ask(page: SignUpPage, phone: Phone, done: work.Done) -> None:
    """Have a message ask the phone to confirm. Nothing tells a caller whether one is sent: that of
    a phone that asked too often, or is on the stop list, is not.

    Raises work.NotDone for work that was used before, and Closed.
    """
    locked = SignUpPage.objects.select_for_update(of=("self",)).filter(pk=page.pk).first()
    if locked is None or page.trigger is None:
        raise Closed
    work.spend(done)
    if _is_capped(phone.msisdn) or terms.asked_today(page.list) >= page.trigger.people_max:
        return
    key = f"sign-up-{secrets.token_hex(16)}"
    try:
        event, _is_new = receive(Arrival(page.trigger.event, key, f"+{phone.msisdn}", {}))
    except EventRefused:  # the trigger was ended a moment ago, or lost its message
        raise Closed from None
    SignUp.objects.create(event=event, page=page, wording_id=done.wording_id)
    terms.count(page.list, "asked")


def _is_capped(msisdn: str) -> bool:
    now = database_clock.now()
    asked = SignUp._base_manager.filter(event__msisdn=msisdn, event__at__gt=now - VALID_FOR)
    pending = asked.filter(confirmed_at=None, event__at__gt=now - PENDING_FOR)
    return pending.exists() or asked.count() >= terms.A_DAY
