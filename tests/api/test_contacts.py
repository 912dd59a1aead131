"""Lists and contacts: the same data and the same functions as the pages."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.contacts.lists import contact_lists, stop_list
from campaigns.contacts.models import FieldType
from campaigns.models import AuditEntry, Contact, ContactList, Role
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients(api: ApiClient) -> Any:
    fields = [
        {"name": "city"},
        {"name": "sum", "type": "number"},
        {"name": "born", "type": "date"},
    ]
    return api.post("lists", {"name": "Clients", "fields": fields}).json()


def test_a_list_from_its_beginning_to_its_end(api: ApiClient, clients: Any) -> None:
    assert (clients["name"], clients["contact_count"], clients["countries"]) == ("Clients", 0, {})
    assert [(field["name"], field["type"]) for field in clients["fields"]] == [
        ("city", "text"),
        ("sum", "number"),
        ("born", "date"),
    ]
    address = f"lists/{clients['id']}"
    renamed = api.patch(address, {"name": "Buyers", "fields": [{"name": "vip", "type": "yes_no"}]})
    assert (renamed.json()["name"], len(renamed.json()["fields"])) == ("Buyers", 4)
    other_type = {"fields": [{"name": "city", "type": "number"}]}
    assert api.patch(address, other_type).json()["code"] == "refused"
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    actions = AuditEntry.objects.filter(subject=f"contactlist:{clients['id']}").order_by("id")
    assert [(entry.action, entry.detail) for entry in actions] == [
        ("created", "Clients"),
        ("edited", "name"),
        ("edited", "fields"),
        ("deleted", "Buyers: 0"),
    ]


def test_a_list_is_offered_to_recipients_and_no_longer(api: ApiClient) -> None:
    made = api.post("lists", {"name": "A", "public": {"name": "News"}}).json()
    assert made["public"] == {"name": "News", "description": ""}
    address = f"lists/{made['id']}"
    tag = api.get(address).headers["ETag"]
    told = {"name": "Our news", "description": "Once a week"}
    assert api.patch(address, {"public": told}, If_Match=tag).json()["public"] == told
    assert api.patch(address, {"public": None}, If_Match=tag).status_code == 412
    assert api.patch(address, {"name": "B"}).json()["public"] == told
    assert api.patch(address, {"public": None}).json()["public"] is None
    assert api.patch(address, {"public": {"name": " "}}).status_code == 422
    [shown] = api.get("lists").json()["items"]
    assert (shown["name"], shown["public"]) == ("B", None)
    actions = AuditEntry.objects.filter(subject=f"contactlist:{made['id']}").order_by("id")
    assert [(entry.action, entry.detail) for entry in actions] == [
        ("created", "A"),
        ("offered", "News"),
        ("offered", "Our news"),
        ("edited", "name"),
        ("no longer offered", "Our news"),
    ]


def test_names_are_taken_once(api: ApiClient, clients: Any) -> None:
    other = api.post("lists", {"name": "Others"}).json()
    for answer in (
        api.post("lists", {"name": " Clients "}),
        api.patch(f"lists/{other['id']}", {"name": "Clients"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
        assert answer.json()["errors"][0]["field"] == "name"


def test_a_change_of_an_older_version_is_refused(api: ApiClient, clients: Any) -> None:
    address = f"lists/{clients['id']}"
    tag = api.get(address, Accept_Encoding="gzip").headers["ETag"]
    assert tag.startswith('W/"')
    assert api.patch(address, {"name": "B"}, If_Match=tag).status_code == 200
    answer = api.patch(address, {"name": "C"}, If_Match=tag)
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert api.get(address).json()["name"] == "B"


def test_a_contact_from_its_beginning_to_its_end(api: ApiClient, clients: Any) -> None:
    fields = {"city": "Київ", "sum": "1,234.50", "born": "31.12.1990"}
    added = api.post(
        f"lists/{clients['id']}/contacts", {"phone": "097 123-45-67", "fields": fields}
    )
    assert added.status_code == 201
    contact = added.json()
    assert (contact["phone"], contact["country"]) == ("+380971234567", "UA")
    assert contact["fields"] == {"city": "Київ", "sum": "1234.5", "born": "1990-12-31"}
    address = f"contacts/{contact['id']}"
    assert api.get(address).json() == contact
    tag = api.get(address).headers["ETag"]
    changed = api.patch(address, {"fields": {"city": "", "sum": "7"}}, If_Match=tag).json()
    assert changed["fields"] == {"sum": "7", "born": "1990-12-31"}
    assert api.patch(address, {"fields": {"sum": "8"}}, If_Match=tag).status_code == 412
    assert api.get("contacts?phone=%2B380971234567").json()["items"] == [changed]
    assert api.get("contacts?phone=380971234").json()["items"] == []
    assert api.delete(address).status_code == 204
    assert ContactList.objects.get().contact_count == 0


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"phone": "12345"}, "phone", "too_short"),
        ({"phone": "0971234567", "fields": {"town": "Рим"}}, "fields.town", "unknown_field"),
        ({"phone": "0971234567", "fields": {"sum": "many"}}, "fields.sum", "not_number"),
    ],
)
def test_a_contact_that_does_not_fit(
    api: ApiClient, clients: Any, body: Any, field: str, code: str
) -> None:
    answer = api.post(f"lists/{clients['id']}/contacts", body)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == (field, code)
    assert not Contact.objects.exists()


def test_a_contact_that_is_refused(api: ApiClient, clients: Any) -> None:
    stop_list.stop("380971234567", "", api.token.owner, False)
    address = f"lists/{clients['id']}/contacts"
    answer = api.post(address, {"phone": "0971234567"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "This phone is on the stop list.")
    api.post(address, {"phone": "0971234568"})
    assert api.post(address, {"phone": "0971234568"}).json()["code"] == "refused"


def test_many_contacts_say_what_became_of_each(api: ApiClient, clients: Any) -> None:
    stop_list.stop("380971230009", "", api.token.owner, False)
    api.post(f"lists/{clients['id']}/contacts", {"phone": "0971230001"})
    rows = [
        {"phone": "0971230001", "fields": {"city": "Рим"}},  # on the list: stays as it is
        {"phone": "0971230002", "fields": {"city": "Київ"}},
        {"phone": "+380971230002"},
        {"phone": "0971230009"},
        {"phone": "12"},
        {"phone": "0971230003", "fields": {"sum": "x"}},
    ]
    answer = api.post(f"lists/{clients['id']}/contacts/bulk", {"contacts": rows}).json()
    assert [row["outcome"] for row in answer["rows"]] == [
        "known", "new", "duplicate", "stop_listed", "rejected", "rejected",
    ]  # fmt: skip
    assert [(row["field"], row["reason"]) for row in answer["rows"]][4:] == [
        ("phone", "too_short"),
        ("fields.sum", "not_number"),
    ]
    counts = [answer[name] for name in ("new", "known", "duplicates", "stop_listed", "rejected")]
    assert counts == [1, 1, 1, 1, 2]
    shown = api.get(f"lists/{clients['id']}/contacts").json()["items"]
    assert [(row["phone"], row["fields"]) for row in shown] == [
        ("+380971230001", {}),
        ("+380971230002", {"city": "Київ"}),
    ]
    assert ContactList.objects.get().countries == {"UA": 2}


def test_phones_are_masked_without_the_permission(api: ApiClient, api_of: MakeClient) -> None:
    contact_list = contact_lists.create("A", None, {"note": FieldType.TEXT})
    contact_lists.add_contact(contact_list, "0971234567", {"note": "or 380501112233"}, "UA")
    viewer = api_of(Role.VIEWER)
    for client, phone, note in (
        (viewer, "3809•••67", "or 3805•••33"),
        (api, "+380971234567", "or 380501112233"),
    ):
        answers = (
            client.get(f"lists/{contact_list.pk}/contacts"),
            client.get("contacts?phone=0971234567"),
        )
        shown = [answer.json()["items"][0] for answer in answers]
        assert [(row["phone"], row["fields"]["note"]) for row in shown] == [(phone, note)] * 2


def test_pages_reach_each_row_once(api: ApiClient) -> None:
    contact_list = contact_lists.create("A", None)
    phones = [f"38097123{number:04}" for number in range(7)]
    contact_lists.add_phones(contact_list, phones, "UA")
    found, next_page = [], f"/api/v1/lists/{contact_list.pk}/contacts?limit=3"
    while next_page:
        answer = api.get(next_page.removeprefix("/api/v1/")).json()
        found += [row["phone"].removeprefix("+") for row in answer["items"]]
        next_page = answer["next"]
    assert found == phones


def test_a_page_costs_the_same_however_many_rows_it_has(api: ApiClient) -> None:
    contact_list = contact_lists.create("A", None)
    counts = []
    for count in (1, 60):
        phones = [f"38097123{number:04}" for number in range(count)]
        contact_lists.add_phones(contact_list, phones, "UA")
        with CaptureQueriesContext(connection) as queries:
            shown = api.get(f"lists/{contact_list.pk}/contacts?limit=200").json()["items"]
        assert len(shown) == count
        counts.append(len(queries))
    # the first request notes the use of the token
    assert counts[1] == counts[0] - 1
