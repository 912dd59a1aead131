"""From the form of a sign-up page to a contact with consent, and that it is no message bomb."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.compose.models import Campaign, TriggerEvent
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.arrivals import Arrival, receive
from campaigns.contacts.lists import public_lists, stop_list
from campaigns.contacts.models import (
    Consent,
    ConsentRecord,
    Contact,
    ContactList,
    Person,
    StopListEntry,
)
from campaigns.dispatch.freeze import events
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people.erase_contact import erase
from campaigns.dispatch.send.sender import BatchSender
from campaigns.engagement.sign_up import terms
from campaigns.engagement.sign_up.models import SignUp, SignUpDay, SignUpPage, SpentChallenge
from campaigns.engagement.sign_up.retention import remove_old
from campaigns.engagement.sign_up.terms import Terms
from campaigns.models import AuditEntry
from campaigns.team.models import SignInTry
from tests.engagement.signing_up import WORDING, ask, challenge, news, opened, solve, trigger
from tests.engagement.visits import HOST, Answer, code, open_path
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
PHONE = "380971234567"


@pytest.fixture(autouse=True)
def little_work(settings: Settings) -> None:
    settings.SIGN_UP_WORK_BITS = 8


@pytest.fixture
def gateway(sandbox: RunningSandbox, settings: Settings) -> RunningSandbox:
    """A sandbox whose prices are known, as budgets need."""
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    return sandbox


def send(gateway: RunningSandbox) -> None:
    BatchSender(gateway.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def take(page: SignUpPage) -> int:
    assert page.trigger is not None
    return events.take(page.trigger.pk)


def confirm(recipient: Recipient, form: str = "action=confirm") -> Answer:
    path = f"/{code(recipient, PageTag.CONFIRM.number)}"
    return open_path(path, method="POST" if form else "GET", form=form)


def count(page: SignUpPage) -> tuple[int, int]:
    row = SignUpDay.objects.filter(list=page.list).first()
    return (row.asked, row.confirmed) if row else (0, 0)


def test_a_phone_is_on_the_list_once_it_confirmed(gateway: RunningSandbox) -> None:
    page = opened()
    answer = ask(page)
    assert (answer.status, b"Look at your phone" in answer.body) == (200, True)
    assert "Set-Cookie" not in answer.headers
    assert (take(page), Contact.objects.count(), Person.objects.count()) == (1, 0, 0)
    send(gateway)
    recipient = Recipient.objects.get()
    [message] = gateway.messages()
    assert message["text"] == f"Confirm: https://{HOST}/{code(recipient, PageTag.CONFIRM.number)}"
    assert WORDING in confirm(recipient, "").body.decode()
    assert (confirm(recipient, "action=x").status, Contact.objects.count()) == (200, 0)
    assert b"You are signed up" in confirm(recipient).body
    contact, person = Contact.objects.get(), Person.objects.get()
    assert (contact.msisdn, contact.country, contact.list) == (PHONE, "UA", page.list)
    assert ContactList.objects.get(pk=page.list.pk).contact_count == 1
    assert (person.consent, person.consent_source) == ("given", "Sign-up page of “Shop News”")
    record = ConsentRecord.objects.get()
    assert record.wording is not None
    assert (record.consent, record.wording.text, record.recorded_by) == ("given", WORDING, None)
    trail = AuditEntry.objects.get(action="signed up")
    run = Campaign.objects.get(trigger=page.trigger)
    assert (trail.kind, trail.address) == ("visitor", "")
    assert trail.detail == (
        f"to contactlist:{page.list.pk}; campaign {run.pk}, message {recipient.pk}"
    )
    assert b"You are signed up" in confirm(recipient).body  # pressed again
    assert (count(page), ConsentRecord.objects.count()) == ((1, 1), 1)


def test_a_contact_of_the_list_confirms_consent() -> None:
    page = opened()
    Contact.objects.create(list=page.list, msisdn=PHONE, country="UA")
    ask(page)
    take(page)
    confirm(Recipient.objects.get())
    assert (Contact.objects.count(), Person.objects.get().consent) == (1, Consent.GIVEN)


def test_the_answer_is_the_same_whatever_the_phone_is() -> None:
    page = opened()
    Contact.objects.create(list=page.list, msisdn="380971234561", country="UA")
    stop_list.add_phones(["380971234562"], "asked", None)
    answers = {ask(page, f"+38097123456{end}").body for end in (0, 1, 2, 0)}
    assert len(answers) == 1
    assert (take(page), TriggerEvent.objects.count()) == (2, 3)  # the last one asked twice
    assert list(TriggerEvent.objects.filter(state="skipped").values_list("reason", flat=True)) == [
        "stop_list"
    ]


def test_a_phone_is_asked_three_times_a_day_and_once_an_hour() -> None:
    page, other = opened(), opened(news("Other"), trigger(event="other"))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for minutes, asked in ((0, 1), (59, 1), (2, 2), (61, 3), (61, 3), (60 * 24, 4)):
            clock.shift(timedelta(minutes=minutes))
            ask(other if minutes == 61 else page)
            assert SignUp.objects.count() == asked


def test_who_confirmed_signs_up_to_another_list_at_once() -> None:
    page, other = opened(), opened(news("Other"), trigger(event="other"))
    ask(page)
    take(page)
    confirm(Recipient.objects.get())
    ask(other)
    assert SignUp.objects.count() == 2


def test_a_list_has_as_many_requests_a_day_as_its_trigger_has_messages() -> None:
    page = opened(sent_by=trigger(people_max=2))
    for number in range(4):
        assert ask(page, f"+38097123456{number}").status == 200
    assert (SignUp.objects.count(), count(page)) == (2, (2, 0))


def test_the_budget_of_a_day_is_the_most_that_is_spent(gateway: RunningSandbox) -> None:
    page = opened(sent_by=trigger(budget="0.005"))
    for number in range(5):
        ask(page, f"+38097123456{number}")
    take(page)
    send(gateway)
    run = Campaign.objects.get(trigger=page.trigger)
    assert (run.state, run.reason, gateway.bill()["messages"]) == ("paused", "budget", 0)


def test_a_client_has_to_wait() -> None:
    page = opened()
    for number in range(20):
        assert ask(page, f"+3809712345{number:02}").status == 200
    refused = ask(page, "+380971234599")
    assert (refused.status, b"Too many sign-ups from your network" in refused.body) == (429, True)
    assert b"+380971234599" in refused.body  # nothing typed is lost
    assert ask(page, "+380971234599", address="203.0.113.6").status == 200
    assert SignUp.objects.count() == 21
    assert set(SignInTry.objects.values_list("account", flat=True)) == {"sign-up"}


def test_work_is_good_for_one_request() -> None:
    page, other = opened(), opened(news("Other"), trigger(event="other"))
    text = challenge(page)
    assert ask(page, "+380971234561", challenge=text).status == 200
    again = ask(page, "+380971234562", challenge=text)
    assert (again.status, b"Press the button again." in again.body) == (422, True)
    assert challenge(page) != text
    assert ask(other, "+380971234563", challenge=challenge(page)).status == 422
    wrong = challenge(page)
    answer = next(str(n) for n in range(99) if solve(wrong) != str(n))
    assert ask(page, "+380971234564", challenge=wrong, answer=answer).status == 422
    for name, value in (("challenge", "x"), ("challenge", ""), ("answer", "9" * 21)):
        assert ask(page, "+380971234565", **{"answer": "1", name: value}).status == 422
    assert b"Switch JavaScript on" in ask(page, "+380971234566", answer="").body
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert ask(page, "+380971234567", challenge=wrong).status == 422
    assert (SignUp.objects.count(), SpentChallenge.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"phone": ""}, "Enter a mobile number"),
        ({"phone": "12\0<b>"}, "Enter a mobile number"),
        ({"agreed": ""}, "Tick the box if you agree."),
    ],
)
def test_bad_input_is_said_at_its_field(fields: dict[str, str], text: str) -> None:
    answer = ask(opened(), **fields)
    assert (answer.status, text in answer.body.decode()) == (422, True)
    assert b"<b>" not in answer.body
    assert not SignUp.objects.exists()


def test_the_consent_has_the_wording_that_was_read() -> None:
    page = opened()
    text = challenge(page)
    terms.set_terms(page.list, Terms(True, "Something else", page.trigger), None)
    ask(page, challenge=text)
    take(page)
    confirm(Recipient.objects.get())
    assert ConsentRecord.objects.get().wording.text == WORDING  # type: ignore[union-attr]


def test_a_page_is_closed_until_all_is_right() -> None:
    contacts = news()
    for sent_by, problem in (
        (None, "Choose the trigger"),
        (trigger(event="a", text="Hi"), "Write the tag {confirm}"),
        (trigger(event="b", promotional=True), "has to be transactional"),
        (trigger(event="c", budget=None), "Set the budget"),
        (trigger(event="d", text="{confirm} {name}"), "other merge tags"),
    ):
        page = opened(contacts, sent_by or trigger(event="none"))
        if sent_by is None:
            page.trigger = None
            page.save()
        assert [text for text in terms.problems(page) if problem in text]
        assert b"Sign-up is closed" in open_path(f"/s/{page.code}").body
    page = opened(contacts, trigger(event="e"))
    assert terms.problems(page) == []
    text = challenge(page)
    moves.switch_off(page.trigger.pk, None)  # type: ignore[union-attr]
    answer = ask(page, challenge=text)
    assert (answer.status, b"Sign-up is closed" in answer.body) == (200, True)
    moves.switch_on(page.trigger.pk, None)  # type: ignore[union-attr]
    public_lists.stop_offering(contacts, None)
    assert b"Sign-up is closed" in open_path(f"/s/{page.code}").body
    assert not SignUp.objects.exists()


def test_other_addresses_and_methods_are_nothing() -> None:
    page = opened()
    for path in ("/s/", "/s/x", f"/s/{page.code[:-1]}é", f"/s/{page.code}/"):
        assert open_path(path).status == 404
        assert open_path(path, host="testserver").status == 404
    assert open_path(f"/s/{page.code}", method="PUT").status == 404
    assert open_path(f"/s/{page.code}", host="testserver").status == 200
    assert open_path(f"/s/{page.code}", method="HEAD").body == b""


def test_links_work_for_a_day_and_not_for_who_opted_out() -> None:
    page = opened()
    ask(page, "+380971234561")
    ask(page, "+380971234562")
    take(page)
    first, second = Recipient.objects.order_by("pk")
    stop_list.add_phones([first.msisdn], "asked by mail", None)
    assert b"You are unsubscribed" in confirm(first).body
    assert StopListEntry.objects.get().reason == "asked by mail"
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert b"This link works no more" in confirm(second).body
    public_lists.stop_offering(page.list, None)
    assert b"This link works no more" in confirm(second).body
    assert (Contact.objects.count(), Person.objects.count()) == (0, 0)


def test_a_message_that_no_request_sent_confirms_nothing() -> None:
    page = opened()
    receive(Arrival("sign-up", "order-1", f"+{PHONE}", {}))
    take(page)
    assert b"This link works no more" in confirm(Recipient.objects.get()).body
    assert Contact.objects.count() == 0


def test_requests_are_deleted_with_their_phones() -> None:
    page = opened()
    ask(page)
    take(page)
    now = timezone.now()
    assert remove_old(now - timedelta(days=1)) is None
    assert remove_old(now + timedelta(seconds=1)) == 1
    assert (SignUp.objects.count(), TriggerEvent.objects.count()) == (0, 0)
    assert b"This link works no more" in confirm(Recipient.objects.get()).body
    assert count(page) == (1, 0)


def test_an_erasure_takes_the_request_along() -> None:
    page = opened()
    ask(page)
    take(page)
    erase(PHONE, None)
    assert SignUp.objects.count() == 0
    assert b"This link works no more" in confirm(Recipient.objects.get()).body
