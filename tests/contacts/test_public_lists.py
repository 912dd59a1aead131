"""The page on which a list is offered to recipients."""

import pytest
from django.test import Client

from campaigns.contacts.lists import contact_lists
from campaigns.contacts.lists.models import PublicList
from campaigns.contacts.lists.public_lists import offered_lists
from campaigns.models import Role
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_list_is_offered_under_a_name_and_then_no_longer(client: Client) -> None:
    client.force_login(make_user("mia", Role.MARKETER))
    contacts = contact_lists.create("Internal name", None)
    address = f"/contacts/{contacts.pk}/public"
    assert b'value="Internal name"' in client.get(address).content
    form = {"is_on": "", "is_offered": "on", "name": " ", "description": "Once a week"}
    refused = client.post(address, form)
    assert b"Enter the name under which recipients see the list." in refused.content
    assert b"Once a week" in refused.content  # nothing typed is lost
    client.post(address, form | {"name": "News"})
    [offered] = offered_lists(contacts)
    assert (offered.name, offered.description, offered.list) == ("News", "Once a week", contacts)
    assert "offered to recipients as “News”" in client.get(f"/contacts/{contacts.pk}/").text
    client.post(address, {"name": "News", "description": "Twice a week"})
    assert offered_lists(contacts) == []
    assert PublicList.objects.get().description == "Twice a week"


def test_deleting_a_list_deletes_what_was_told_of_it(client: Client) -> None:
    contacts = contact_lists.create("A", None)
    PublicList.objects.create(list=contacts, is_offered=True, name="News")
    contact_lists.delete_list(contacts, None)
    assert not PublicList.objects.exists()
