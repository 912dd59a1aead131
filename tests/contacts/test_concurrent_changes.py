"""Changes of lists and contacts while somebody else changes them too."""

import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.models.signals import post_delete
from django.test import Client
from django.urls import reverse

from campaigns.contacts.importing import lifecycle, runner
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList, Import, ImportState

pytestmark = pytest.mark.django_db
Write = Callable[..., Path]
OLENA = {"first_name": "Olena", "city": "Kyiv"}


@pytest.fixture
def olena() -> Contact:
    clients = ContactList.objects.create(
        name="Clients", contact_count=1, countries={"UA": 1}, fields=["first_name", "city"]
    )
    return Contact.objects.create(list=clients, msisdn="380972920283", country="UA", fields=OLENA)


def typed(page: Any) -> dict[str, str]:
    """What the form of a page would post."""
    form = page.context["form"]
    return {name: form[name].value() or "" for name in form.fields}


@pytest.mark.django_db(transaction=True)
def test_list_being_deleted_takes_no_contacts(olena: Contact) -> None:
    """Between the DELETE of the contacts and that of the list, somebody adds a phone."""
    outcome: list[str] = []

    def add(**_signal: Any) -> None:
        def work() -> None:
            with connection.cursor() as cursor:  # do not wait for the deletion
                limit = {
                    "postgresql": "SET lock_timeout = 200",
                    "sqlite": "PRAGMA busy_timeout = 9",
                }
                cursor.execute(limit[connection.vendor])
            try:
                contact_lists.add_phones(olena.list, ["0501234567"], "UA")
            except OperationalError:
                outcome.append("waits")
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    post_delete.connect(add, sender=Contact)
    try:
        contact_lists.delete_list(olena.list, None)
    finally:
        post_delete.disconnect(add, sender=Contact)
    assert outcome == ["waits"]
    assert not Contact.objects.exists()
    for change in (
        lambda: contact_lists.add_phones(olena.list, ["0501234567"], "UA"),
        lambda: contact_lists.add_contact(olena.list, "0501234567", {}, "UA"),
        lambda: contact_lists.delete_list(olena.list, None),
    ):
        with pytest.raises(ContactsError, match="The list was deleted"):
            change()


@pytest.mark.parametrize("page", ["list-paste", "list-add", "list-copy"])
def test_page_of_a_list_that_is_deleted_meanwhile(
    signed_in: Client, olena: Contact, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    target = ContactList.objects.create(name="Target")
    clean = contact_lists.lock

    def deleted(contact_list: ContactList) -> ContactList:
        ContactList.objects.filter(pk=contact_list.pk).delete()
        return clean(contact_list)

    monkeypatch.setattr(contact_lists, "lock", deleted)
    data = {"phones": "0501234567", "phone": "0501234567", "country": "UA", "into": target.pk}
    answer = signed_in.post(reverse(page, args=[olena.list_id]), data, follow=True)
    assert answer.status_code == 200
    assert "The list was deleted." in answer.content.decode()
    assert not Contact.objects.exclude(pk=olena.pk).exists()


def test_import_of_a_deleted_list_makes_it_anew(write: Write) -> None:
    made = lifecycle.create_queued_import(write([["phone"], ["0501234567"]]), "Clients", "", "UA")
    Import.objects.update(state=ImportState.CHECKED)
    contact_lists.delete_list(ContactList.objects.get(), None)
    lifecycle.start(made.pk, None)
    with pytest.raises(ContactsError, match="A file is being imported"):
        contact_lists.delete_list(ContactList.objects.get(), None)
    runner.run(made.pk)
    assert ContactList.objects.get().contact_count == Contact.objects.count() == 1


def test_contacts_of_no_list_are_deleted_by_an_upgrade(olena: Contact) -> None:
    Contact.objects.create(list_id=olena.list_id + 1, msisdn="380501234567")
    migration = import_module("campaigns.migrations.0019_contacts_of_no_list")
    migration.delete_contacts_of_no_list(apps, connection.schema_editor())
    assert list(Contact.objects.all()) == [olena]


def test_edit_keeps_what_an_import_brought_meanwhile(
    signed_in: Client, olena: Contact, write: Write
) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address))
    rows = [["phone", "city", "bonus"], ["0972920283", "Lviv", "20"]]
    runner.run(lifecycle.create_queued_import(write(rows), "Clients", "", "UA").pk)
    answer = signed_in.post(address, form | {"tag_first_name": "Olha"})
    assert answer.status_code == 302
    olena.refresh_from_db()
    assert olena.fields == {"first_name": "Olha", "city": "Lviv", "bonus": "20"}


def test_edit_of_a_tag_that_changed_meanwhile_asks_first(signed_in: Client, olena: Contact) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    form = typed(signed_in.get(address)) | {"tag_city": "Odesa"}
    Contact.objects.update(fields=OLENA | {"city": "Lviv"})
    answer = signed_in.post(address, form)
    assert answer.context["form"].errors == {
        "tag_city": ["This was changed meanwhile to “Lviv”. Save again to overwrite it."]
    }
    olena.refresh_from_db()
    assert olena.fields["city"] == "Lviv"
    assert signed_in.post(address, typed(answer)).status_code == 302
    olena.refresh_from_db()
    assert olena.fields == OLENA | {"city": "Odesa"}


def test_edit_can_empty_a_tag(signed_in: Client, olena: Contact) -> None:
    address = reverse("contact-edit", args=[olena.pk])
    signed_in.post(address, typed(signed_in.get(address)) | {"tag_city": " "})
    olena.refresh_from_db()
    assert olena.fields == {"first_name": "Olena"}


def test_edit_of_a_contact_that_is_removed_meanwhile(
    signed_in: Client, olena: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    from campaigns.contacts.pages.contact_forms import ContactForm

    values = ContactForm.values

    def removed(form: ContactForm) -> dict[str, str]:
        Contact.objects.all().delete()
        return values(form)

    monkeypatch.setattr(ContactForm, "values", removed)
    address = reverse("contact-edit", args=[olena.pk])
    answer = signed_in.post(address, {"tag_city": "Odesa"}, follow=True)
    assert "The contact was removed from the list meanwhile." in answer.content.decode()
    assert signed_in.post(address, {"tag_city": "Odesa"}).status_code == 404
