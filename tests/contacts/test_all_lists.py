"""Editing a contact on all lists with its phone."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.search import queries
from campaigns.contacts.search.index import index_contacts
from campaigns.team.models import AuditEntry, User
from tests.contacts.test_concurrent_changes import typed

pytestmark = pytest.mark.django_db
MSISDN = "380972920283"
NAMES = ["Clients", "Shop", "Only phones"]


@pytest.fixture
def olena() -> Contact:
    """On three lists: "Shop" has another city, and "Only phones" has no merge tags."""
    fields = {
        "Clients": {"first_name": "Olena", "city": "Kyiv"},
        "Shop": {"first_name": "Olena", "city": "Lviv", "bonus": "5"},
        "Only phones": {},
    }
    for name, values in fields.items():
        made = ContactList.objects.create(name=name, contact_count=1, fields=list(values))
        Contact.objects.create(list=made, msisdn=MSISDN, fields=values)
    other = ContactList.objects.create(name="Others", contact_count=1, fields=["city"])
    Contact.objects.create(list=other, msisdn="380501234567", fields={"city": "Kyiv"})
    return Contact.objects.get(list__name="Clients")


def edit(client: Client, contact: Contact, **changes: str) -> Any:
    address = reverse("contact-edit", args=[contact.pk])
    return client.post(address, typed(client.get(address)) | changes, follow=True)


def stored(msisdn: str = MSISDN) -> dict[str, dict[str, str]]:
    contacts = Contact.objects.filter(msisdn=msisdn).order_by("pk")
    return dict(contacts.values_list("list__name", "fields"))


def versions() -> dict[str, datetime]:
    return dict(ContactList.objects.values_list("name", "updated_at"))


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_page_says_how_many_lists_and_what_they_have(signed_in: Client, olena: Contact) -> None:
    form = signed_in.get(reverse("contact-edit", args=[olena.pk])).context["form"]
    assert form["all_lists"].label == "Change these values on all 3 lists with this phone"
    assert form["all_lists"].help_text == (
        "Also on: “Only phones”, “Shop”. Lists without a merge tag do not get it."
    )
    assert form["tag_city"].help_text == "On “Shop”: Lviv."
    assert form["tag_first_name"].help_text == ""
    alone = Contact.objects.get(list__name="Others")
    form = signed_in.get(reverse("contact-edit", args=[alone.pk])).context["form"]
    assert "all_lists" not in form.fields


def test_only_what_was_changed_is_changed_on_the_lists_that_have_it(
    signed_in: Client, olena: Contact, marketer: User
) -> None:
    before = versions()
    answer = edit(signed_in, olena, tag_first_name="Olha", all_lists="on")
    assert said(answer) == ["Saved on 2 lists."]
    assert stored() == {
        "Clients": {"first_name": "Olha", "city": "Kyiv"},
        "Shop": {"first_name": "Olha", "city": "Lviv", "bonus": "5"},
        "Only phones": {},
    }
    after = versions()
    assert {name for name in after if after[name] != before[name]} == {"Clients", "Shop"}
    trail = AuditEntry.objects.order_by("subject").values_list("subject", "action", "detail")
    edited = Contact.objects.filter(list__name__in=["Clients", "Shop"])
    assert list(trail) == sorted((f"contact:{c.pk}", "edited", "first_name") for c in edited)
    assert {entry.actor for entry in AuditEntry.objects.all()} == {marketer}
    assert stored("380501234567") == {"Others": {"city": "Kyiv"}}


def test_without_the_choice_the_other_lists_stay(signed_in: Client, olena: Contact) -> None:
    answer = edit(signed_in, olena, tag_city="Odesa")
    assert said(answer) == ["The contact was saved."]
    assert [fields.get("city") for fields in stored().values()] == ["Odesa", "Lviv", None]
    assert AuditEntry.objects.get().detail == "city"


def test_tag_can_be_emptied_on_all_lists(signed_in: Client, olena: Contact) -> None:
    edit(signed_in, olena, tag_city=" ", all_lists="on")
    assert stored() == {
        "Clients": {"first_name": "Olena"},
        "Shop": {"first_name": "Olena", "bonus": "5"},
        "Only phones": {},
    }


@pytest.mark.django_db(transaction=True)
def test_search_finds_the_new_value_on_all_lists(
    signed_in: Client, olena: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_SCANNED", 0)
    index_contacts()
    edit(signed_in, olena, tag_first_name="Wilhelmina", all_lists="on")
    found = Contact.objects.filter(pk__in=queries.search("wilhelmina").ids)
    assert sorted(contact.list.name for contact in found) == ["Clients", "Shop"]
    left = Contact.objects.filter(pk__in=queries.search("olena").ids)
    assert not left.exists()


def test_value_that_changed_on_another_list_is_asked_about(
    signed_in: Client, olena: Contact
) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address)) | {"tag_city": "Odesa", "all_lists": "on"}
    shop = Contact.objects.get(list__name="Shop")
    Contact.objects.filter(pk=shop.pk).update(fields=shop.fields | {"city": "Dnipro"})
    before = stored()
    answer = signed_in.post(address, form)
    [error] = answer.context["form"].errors["all_lists"]
    assert error == (
        "This contact was changed on another list meanwhile. Check the values, then save."
    )
    assert answer.context["form"]["tag_city"].help_text == "On “Shop”: Dnipro."
    assert stored() == before
    assert signed_in.post(address, typed(answer)).status_code == 302
    assert [fields.get("city") for fields in stored().values()] == ["Odesa", "Odesa", None]


def test_list_that_the_page_did_not_count_is_asked_about(signed_in: Client, olena: Contact) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address)) | {"tag_city": "Odesa", "all_lists": "on"}
    fourth = ContactList.objects.get(name="Others")
    Contact.objects.create(list=fourth, msisdn=MSISDN, fields={"city": "Kyiv"})
    answer = signed_in.post(address, form)
    assert answer.context["form"]["all_lists"].label.startswith(
        "Change these values on all 4 lists"
    )
    assert "Odesa" not in str(stored())


def test_another_tag_that_changed_on_another_list_does_not_matter(
    signed_in: Client, olena: Contact
) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address)) | {"tag_city": "Odesa", "all_lists": "on"}
    shop = Contact.objects.get(list__name="Shop")
    Contact.objects.filter(pk=shop.pk).update(fields=shop.fields | {"bonus": "6"})
    assert signed_in.post(address, form).status_code == 302
    assert stored()["Shop"] == {"first_name": "Olena", "city": "Odesa", "bonus": "6"}


def test_conflict_on_the_own_list_changes_no_other(signed_in: Client, olena: Contact) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address)) | {"tag_city": "Odesa", "all_lists": "on"}
    Contact.objects.filter(pk=olena.pk).update(fields=olena.fields | {"city": "Lutsk"})
    before = stored()
    answer = signed_in.post(address, form)
    assert "tag_city" in answer.context["form"].errors
    assert stored() == before
    assert not AuditEntry.objects.exists()
