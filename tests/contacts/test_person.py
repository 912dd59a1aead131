"""What belongs to a person and not to a list: consent, language, topics, notes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from campaigns.contacts.importing import lifecycle, runner
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import Consent, Person, StopListEntry, TopicPreference
from campaigns.contacts.people import languages, person
from campaigns.contacts.people.person_ids import id_of
from campaigns.contacts.people.topics import read_topics, topics_in_use
from campaigns.shared.days import reader_today
from campaigns.team.models import AuditEntry, User
from tests.contacts.test_concurrent_changes import Write, typed

pytestmark = pytest.mark.django_db
MSISDN = "380972920283"
ADDRESS = f"/contacts/people/{id_of(MSISDN)}/edit"
GIVEN = {"consent": "given", "consent_source": "web form"}
WAIT = 0.2  # seconds; a thread that waits for a lock does not arrive at a barrier
NOW = "2026-03-31T12:00Z"


def save(client: Client, **changes: str) -> Any:
    """Open the page of the form, and post it with `changes`."""
    return client.post(ADDRESS, typed(client.get(ADDRESS)) | changes, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def actions() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.order_by("pk").values_list("subject", "action", "detail")
    return [(subject.partition(":")[0], action, detail) for subject, action, detail in rows]


def test_row_is_made_by_the_first_value_that_is_saved(signed_in: Client, marketer: User) -> None:
    assert said(save(signed_in)) == ["Saved."]
    assert not Person.objects.exists()
    save(signed_in, language="uk", wanted_topics="Sales,  New  arrivals,sales", notes="VIP\r\n2")
    stored = Person.objects.get()
    assert (stored.msisdn, stored.language, stored.notes) == (MSISDN, "uk", "VIP\n2")
    assert (stored.consent, stored.consent_on, stored.version) == ("unknown", None, 1)
    assert stored.updated_by == marketer
    assert list(TopicPreference.objects.values_list("topic", "wanted")) == [
        ("new arrivals", True),
        ("sales", True),
    ]
    assert actions() == [("person", "edited", "language, wanted_topics, notes")]
    save(signed_in)
    assert Person.objects.get().version == 1


def test_import_makes_no_person(write: Write) -> None:
    rows = [["phone", "language"], ["0972920283", "uk"]]
    runner.run(lifecycle.create_queued_import(write(rows), "Clients", "", "UA").pk)
    assert not Person.objects.exists()


def test_given_consent_has_a_day_and_a_source(signed_in: Client) -> None:
    answer = save(signed_in, consent="given")
    assert answer.context["form"].errors == {"consent_source": ["Enter how consent was given."]}
    with time_machine.travel(NOW):
        save(signed_in, **GIVEN)
    stored = Person.objects.get()
    assert (stored.consent, stored.consent_on, stored.consent_source) == (
        "given",
        date(2026, 3, 31),
        "web form",
    )
    assert not StopListEntry.objects.exists()
    assert actions() == [("person", "edited", "consent unknown → given 2026-03-31")]
    save(signed_in, consent_on="2026-01-05")
    assert Person.objects.get().consent_on == date(2026, 1, 5)


def test_day_in_the_future_is_refused(signed_in: Client) -> None:
    tomorrow = (reader_today() + timedelta(days=1)).isoformat()
    answer = save(signed_in, **GIVEN, consent_on=tomorrow)
    assert answer.context["form"].errors["consent_on"] == ["This date is in the future."]


def test_day_or_source_of_an_unknown_consent_is_refused(signed_in: Client) -> None:
    answer = save(signed_in, consent_source="web form")
    assert answer.context["form"].errors == {
        "consent": ["Choose whether consent was given or withdrawn."]
    }


def test_withdrawn_consent_puts_the_phone_on_the_stop_list(
    signed_in: Client, marketer: User
) -> None:
    with time_machine.travel(NOW) as clock:
        save(signed_in, **GIVEN)
        clock.shift(timedelta(days=2))
        answer = save(signed_in, consent="withdrawn")
    assert said(answer) == ["Saved. The phone is on the stop list and gets no more messages."]
    stored = Person.objects.get()
    assert (stored.consent, stored.consent_on, stored.consent_source) == (
        "withdrawn",
        date(2026, 4, 2),
        "",
    )
    entry = StopListEntry.objects.get()
    assert (entry.msisdn, entry.reason, entry.created_by) == (MSISDN, "Consent withdrawn", marketer)
    assert actions()[1:] == [
        ("person", "edited", "consent given 2026-03-31 → withdrawn 2026-04-02"),
        ("stoplistentry", "stopped", ""),
    ]


def test_entry_on_the_stop_list_keeps_its_reason(signed_in: Client) -> None:
    StopListEntry.objects.create(msisdn=MSISDN, reason="Complained")
    save(signed_in, consent="withdrawn")
    assert StopListEntry.objects.get().reason == "Complained"


def test_nothing_is_saved_if_the_stop_list_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> int:
        raise ContactsError("x")

    monkeypatch.setattr(stop_list, "add_phones", fail)
    seen = person.values_of(Person(msisdn=MSISDN))
    with pytest.raises(ContactsError):
        person.change(MSISDN, {**seen, "consent": "withdrawn"}, seen, None)
    assert not Person.objects.exists()


def test_consent_given_again_offers_to_leave_the_stop_list(signed_in: Client) -> None:
    save(signed_in, consent="withdrawn")
    page = signed_in.get(reverse("person", args=[MSISDN])).content.decode()
    assert "Remove from stop list" not in page
    entry = StopListEntry.objects.get()
    lift = reverse("stop-lift", args=[entry.pk])
    answer = signed_in.post(lift, follow=True)
    assert said(answer) == [
        "This contact has withdrawn consent. Change that on the contact's page first."
    ]
    assert StopListEntry.objects.get() == entry
    assert ("stoplistentry", "lifted", "") not in actions()
    answer = save(signed_in, **GIVEN)
    assert said(answer) == [
        "Saved. The phone is still on the stop list. Remove it from there if it is to get messages."
    ]
    assert StopListEntry.objects.get() == entry
    assert f'action="{lift}"' in answer.content.decode()
    answer = signed_in.post(lift, {"from": "person"})
    assert answer.headers["Location"] == reverse("person", args=[MSISDN])
    assert not StopListEntry.objects.exists()
    assert actions()[-1] == ("stoplistentry", "lifted", "")


@pytest.mark.django_db(transaction=True)
def test_withdrawal_and_removal_from_the_stop_list_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The removal begins while consent, withdrawn already, is not committed yet."""
    entry = StopListEntry.objects.create(msisdn=MSISDN, reason="Complained")
    is_stopped, removed, stop = Event(), Barrier(2), person._stop

    def stop_and_wait(*arguments: Any) -> None:
        stop(*arguments)
        is_stopped.set()
        with suppress(BrokenBarrierError):  # the removal waits for this transaction
            removed.wait(WAIT)

    monkeypatch.setattr(person, "_stop", stop_and_wait)

    def withdraw() -> None:
        try:
            seen = person.values_of(Person(msisdn=MSISDN))
            person.change(MSISDN, {**seen, "consent": "withdrawn"}, seen, None)
        finally:
            connection.close()

    def remove() -> None:
        is_stopped.wait()
        try:
            stop_list.remove_entry(StopListEntry(pk=entry.pk, msisdn=MSISDN), None)
        finally:
            removed.abort()
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        withdrawing, removing = pool.submit(withdraw), pool.submit(remove)
        withdrawing.result()
        with pytest.raises(ContactsError, match="has withdrawn consent"):
            removing.result()
    assert StopListEntry.objects.get().reason == "Complained"


def test_unknown_consent_has_neither_day_nor_source(signed_in: Client) -> None:
    save(signed_in, **GIVEN)
    save(signed_in, consent="unknown")
    stored = Person.objects.get()
    assert (stored.consent, stored.consent_on, stored.consent_source) == ("unknown", None, "")


def test_what_came_meanwhile_is_kept(signed_in: Client) -> None:
    form = typed(signed_in.get(ADDRESS))
    save(signed_in, consent="withdrawn", language="uk")
    signed_in.post(ADDRESS, form | {"notes": "Calls at noon"})
    stored = Person.objects.get()
    assert (stored.consent, stored.language, stored.notes) == ("withdrawn", "uk", "Calls at noon")


def test_what_changed_meanwhile_is_asked_about(signed_in: Client) -> None:
    form = typed(signed_in.get(ADDRESS))
    with time_machine.travel(NOW):
        save(signed_in, consent="withdrawn", language="uk")
        answer = signed_in.post(ADDRESS, form | GIVEN | {"language": "pl"})
        assert answer.context["form"].errors == {
            "consent": ["This was changed meanwhile to “Withdrawn”. Save again to overwrite it."],
            "language": ["This was changed meanwhile to “Ukrainian”. Save again to overwrite it."],
        }
        assert Person.objects.get().consent == Consent.WITHDRAWN
        assert signed_in.post(ADDRESS, typed(answer)).status_code == 302
    stored = Person.objects.get()
    assert (stored.consent, stored.consent_source, stored.language) == ("given", "web form", "pl")
    assert StopListEntry.objects.exists()


def test_page_of_a_person_erased_meanwhile_makes_no_row(signed_in: Client) -> None:
    save(signed_in, language="uk")
    form = typed(signed_in.get(ADDRESS))
    person.erase(MSISDN)
    answer = signed_in.post(ADDRESS, form | {"language": "pl"})
    assert answer.context["form"].errors == {
        "language": ["This was emptied meanwhile. Save again to overwrite it."]
    }
    assert not Person.objects.exists()


def test_repeated_submit_gets_the_result_of_the_first(signed_in: Client) -> None:
    form = typed(signed_in.get(ADDRESS)) | GIVEN | {"submission": "x" * 32}
    answers = [signed_in.post(ADDRESS, form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert (Person.objects.get().version, AuditEntry.objects.count()) == (1, 1)


def test_values_that_were_not_posted_stay(signed_in: Client) -> None:
    save(signed_in, **GIVEN, language="uk", unwanted_topics="sales")
    signed_in.post(ADDRESS, {"consent": "given", "notes": "VIP"})
    stored = Person.objects.get()
    assert (stored.consent_source, stored.language, stored.notes) == ("web form", "uk", "VIP")
    assert stored.consent_on == reader_today()
    assert [row.topic for row in stored.topics.all()] == ["sales"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "wanted_topics",
            "x" * 51,
            "A topic has at most 50 characters. Put commas between topics.",
        ),
        ("wanted_topics", ",".join(map(str, range(51))), "Enter at most 50 topics."),
        ("unwanted_topics", "SALES", "Both wanted and not wanted: sales."),
        ("language", "xx", "Select a valid choice. xx is not one of the available choices."),
    ],
)
def test_form_refuses_at_the_field(signed_in: Client, name: str, value: str, text: str) -> None:
    values = {"wanted_topics": "Sales", name: value}
    assert save(signed_in, **values).context["form"].errors == {name: [text]}
    assert not Person.objects.exists()


def test_person_is_edited_by_marketers_alone(viewer: Client, signed_in: Client) -> None:
    for answer in (viewer.get(ADDRESS), viewer.post(ADDRESS, GIVEN)):
        assert answer.status_code == 403
    assert signed_in.get("/contacts/people/abc/edit").status_code == 404
    assert not Person.objects.exists()


def test_viewers_see_neither_notes_nor_the_source_of_consent(
    signed_in: Client, viewer: Client
) -> None:
    with time_machine.travel(NOW):
        save(signed_in, **GIVEN, language="uk", wanted_topics="sales", notes="Olena's mother")
    page = reverse("person", args=[MSISDN])
    for_marketer = signed_in.get(page).content.decode()
    for_viewer = viewer.get(page).content.decode()
    for text in ("Given", "31 Mar 2026", "Ukrainian", "sales"):
        assert text in for_marketer
        assert text in for_viewer
    for text in ("web form", "Olena&#x27;s mother", ADDRESS):
        assert text in for_marketer
        assert text not in for_viewer


def test_topics_are_small_letters_between_commas() -> None:
    assert read_topics(" Новинки ,\nSale  % ,, sale %\0,ΣΑΣ") == ["sale %", "σασ", "новинки"]
    assert topics_in_use() == []


def test_languages_have_tags_and_names() -> None:
    choices = dict(languages.choices())
    assert choices["uk"] == "Ukrainian (uk)"
    assert choices["pt-BR"] == "Brazilian Portuguese (pt-BR)"
    assert choices["zh-Hans"] == "Simplified Chinese (zh-Hans)"
    assert "zh-CN" not in choices
    assert languages.name("tlh") == "tlh"
