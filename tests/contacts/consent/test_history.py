"""The proof of consent: wordings that are stored once, and a record of each change."""

from datetime import date
from importlib import import_module
from random import Random
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from campaigns.contacts.models import ConsentRecord, ConsentWording, Person
from campaigns.contacts.people import person
from campaigns.contacts.people.person_ids import id_of
from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand, User
from tests.contacts.consent.records import differing
from tests.contacts.test_concurrent_changes import typed

pytestmark = pytest.mark.django_db
MSISDN = "380972920283"
ADDRESS = f"/contacts/people/{id_of(MSISDN)}/edit"
PAGE = f"/contacts/people/{id_of(MSISDN)}/"
WORDING = "Yes, send me offers.\nI can stop it at any time."
GIVEN = {"consent": "given", "consent_source": "web form", "consent_wording": WORDING}
NOW = "2026-03-31T12:00Z"


def save(client: Client, **changes: str) -> Any:
    return client.post(ADDRESS, typed(client.get(ADDRESS)) | changes, follow=True)


def change(msisdn: str, **values: str) -> None:
    seen = person.values_of(person.find(msisdn))
    assert person.change(msisdn, seen | values, seen, None) == {}


def records() -> list[tuple[str, str, str, str]]:
    return [
        (row.consent, str(row.day or ""), row.source, row.wording.text if row.wording else "")
        for row in ConsentRecord.objects.select_related("wording").order_by("pk")
    ]


@time_machine.travel(NOW)
def test_each_change_of_consent_is_a_record(signed_in: Client, marketer: User) -> None:
    save(signed_in, **GIVEN)
    save(signed_in, notes="VIP")
    save(signed_in, consent_on="2026-03-30")
    save(signed_in, consent="withdrawn")
    save(signed_in, consent="unknown")
    assert records() == [
        ("given", "2026-03-31", "web form", WORDING),
        ("given", "2026-03-30", "web form", WORDING),
        ("withdrawn", "2026-03-31", "", ""),
        ("unknown", "", "", ""),
    ]
    assert set(ConsentRecord.objects.values_list("recorded_by", flat=True)) == {marketer.pk}
    assert Person.objects.get().consent_wording is None
    assert differing() == []


def test_history_says_what_persons_say_whatever_is_changed() -> None:
    random = Random(7)
    choices = {
        "consent": ("unknown", "given", "withdrawn"),
        "consent_on": ("", "2026-01-05", "2026-02-06"),
        "consent_source": ("", "form", "phone"),
        "consent_wording": ("", "I agree.", "Send me news."),
        "notes": ("", "VIP"),
    }
    before = 0
    for _round in range(60):
        names = random.sample(list(choices), 2)
        change(f"38097292028{random.randrange(3)}", **{n: random.choice(choices[n]) for n in names})
        assert differing() == []
        assert ConsentRecord.objects.count() >= before
        before = ConsentRecord.objects.count()
    assert before > 20
    assert ConsentWording.objects.count() == 2


def test_a_wording_is_stored_once_in_a_brand(signed_in: Client) -> None:
    save(signed_in, **GIVEN)
    change("380501234567", **GIVEN | {"consent_wording": f"  {WORDING}\r\n"})
    assert [row.text for row in ConsentWording.objects.all()] == [WORDING]
    other = Brand.objects.create(name="Other", slug="other")
    with acting_for(other.pk):
        change(MSISDN, **GIVEN)
        assert ConsentWording.objects.get().brand_id == other.pk
        assert ConsentRecord.objects.count() == 1
    assert ConsentWording.objects.count() == 2


def test_a_wording_in_use_is_chosen(signed_in: Client) -> None:
    assert "known_wording" not in signed_in.get(ADDRESS).context["form"].fields
    change("380501234567", **GIVEN)
    wording = ConsentWording.objects.get()
    form = signed_in.get(ADDRESS).context["form"]
    assert form.fields["known_wording"].choices == [
        ("", "None of these"),
        (str(wording.pk), "Yes, send me offers. I can stop it at any time."),
    ]
    chosen = {"consent": "given", "consent_source": "by phone", "known_wording": str(wording.pk)}
    both = save(signed_in, **chosen, consent_wording="Something else")
    assert both.context["form"].errors == {
        "consent_wording": ["Choose a wording above or enter one here, not both."]
    }
    save(signed_in, **chosen)
    assert Person.objects.get(msisdn=MSISDN).consent_wording == wording
    assert ConsentWording.objects.count() == 1


def test_a_wording_of_another_consent_is_not_kept(signed_in: Client) -> None:
    save(signed_in, **GIVEN)
    save(signed_in, consent="withdrawn", consent_source="by phone")
    assert records()[-1][2:] == ("by phone", "")
    answer = save(signed_in, consent="unknown", consent_wording="Typed for nothing")
    assert answer.status_code == 200
    assert Person.objects.get().consent_wording is None


def test_wording_of_an_unknown_consent_is_refused(signed_in: Client) -> None:
    answer = save(signed_in, consent_wording="I agree.")
    assert answer.context["form"].errors == {
        "consent": ["Choose whether consent was given or withdrawn."]
    }
    assert not ConsentWording.objects.exists()


@time_machine.travel(NOW)
def test_page_shows_the_history_newest_first(signed_in: Client, viewer: Client) -> None:
    save(signed_in, **GIVEN | {"consent_wording": "I agree <b>fully</b>"})
    save(signed_in, consent="withdrawn", consent_on="2026-03-30", consent_source="by phone")
    page = signed_in.get(PAGE).content.decode()
    history = page[page.index("History of consent") :]
    assert history.index("30 Mar 2026") < history.index("31 Mar 2026")
    assert "I agree &lt;b&gt;fully&lt;/b&gt;" in history
    assert "web form" in history
    assert "web form" not in viewer.get(PAGE).content.decode()


@time_machine.travel(NOW)
def test_data_of_a_person_has_the_history(signed_in: Client) -> None:
    save(signed_in, **GIVEN)
    held = signed_in.get(reverse("person-data", args=[MSISDN])).json()["person"]
    assert held["consent_wording"] == WORDING
    (record,) = held["consent_history"]
    assert record.pop("recorded_at").startswith("2026-03-31T12:00")
    assert record == {
        "consent": "given",
        "date": "2026-03-31",
        "source": "web form",
        "wording": WORDING,
        "recorded_by": "marta",
        "api_token": "",
        "file": None,
        "is_undo_of_import": False,
    }


def test_history_is_erased_with_the_person(signed_in: Client) -> None:
    change(MSISDN, **GIVEN)
    change("380501234567", **GIVEN)
    person.erase(MSISDN)
    assert [row.person.msisdn for row in ConsentRecord.objects.all()] == ["380501234567"]


def test_migration_records_the_consent_that_persons_had(marketer: User) -> None:
    rows = [
        Person(msisdn="380501234567"),
        Person(msisdn=MSISDN, consent="given", consent_on=date(2026, 1, 5), consent_source="form"),
        Person(msisdn="380671112233", consent="withdrawn", updated_by=marketer),
    ]
    Person.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute(import_module("campaigns.migrations.0044_consent").FIRST_RECORDS)
    assert records() == [("given", "2026-01-05", "form", ""), ("withdrawn", "", "", "")]
    assert differing() == []
    stored = ConsentRecord.objects.get(consent="withdrawn")
    assert (stored.recorded_by, stored.recorded_at) == (marketer, rows[2].updated_at)
