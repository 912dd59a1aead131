"""Persons and the stop list: what is held on a phone, and who gets no messages."""

from typing import Any

import pytest

from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Person, StopListEntry
from campaigns.contacts.people import person
from campaigns.contacts.people.person_ids import id_of
from campaigns.models import AuditEntry, Contact, ContactList, Role
from campaigns.team.models import Brand
from campaigns.team.permissions import Permission
from campaigns.team.tokens.models import ApiToken
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient

pytestmark = pytest.mark.django_db
PHONE = "380971234567"
ADDRESS = f"people/{id_of(PHONE)}"


@pytest.fixture
def clients(db: None) -> ContactList:
    clients = contact_lists.create("Clients", None)
    contact_lists.add_contact(clients, PHONE, {"note": f"call {PHONE}"}, "UA", None)
    return clients


def test_a_person_is_found_by_a_phone(api: ApiClient, clients: ContactList) -> None:
    found = api.get("people?phone=%2B380971234567").json()
    assert (found["id"], found["phone"]) == (id_of(PHONE), f"+{PHONE}")
    assert [row["list_id"] for row in found["contacts"]] == [clients.pk]
    assert (found["consent"], found["stop_list"], found["message_count"]) == ("unknown", None, 0)
    assert api.get(ADDRESS).json() == found
    part = api.get("people?phone=12345")
    assert (part.status_code, part.json()["errors"][0]["field"]) == (422, "phone")
    assert api.get("people/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404


def test_a_person_is_changed_and_stopped_by_consent(api: ApiClient) -> None:
    tag = api.get(ADDRESS).headers["ETag"]
    changes = {
        "consent": "given", "consent_source": "form", "language": "uk",
        "wanted_topics": ["Sales", "new arrivals"], "unwanted_topics": ["news"], "notes": "VIP",
    }  # fmt: skip
    changed = api.patch(ADDRESS, changes, If_Match=tag).json()
    assert (changed["consent"], changed["language"], changed["notes"]) == ("given", "uk", "VIP")
    assert changed["wanted_topics"] == ["new arrivals", "sales"]
    assert changed["consent_on"] is not None
    late = api.patch(ADDRESS, {"notes": "Other"}, If_Match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert api.patch(ADDRESS, {"notes": ""}).json()["notes"] == ""
    api.patch(ADDRESS, {"consent": "withdrawn"})
    stopped = api.get(ADDRESS).json()
    assert (stopped["consent"], stopped["stop_list"]["for_all_brands"]) == ("withdrawn", False)
    refused = api.delete(f"stop-list/{stopped['stop_list']['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert StopListEntry.objects.filter(msisdn=PHONE).exists()


def test_consent_is_written_with_its_proof(api: ApiClient, api_of: MakeClient) -> None:
    assert api.get(f"{ADDRESS}/consents").json()["items"] == []
    given = {
        "consent": "given", "consent_on": "2026-01-05", "consent_source": f"call of {PHONE}",
        "consent_wording": "I want to get offers.",
    }  # fmt: skip
    changed = api.patch(ADDRESS, given).json()
    assert {name: changed[name] for name in given} == given
    api.patch(ADDRESS, {"consent": "withdrawn", "consent_on": "2026-02-06"})
    newest, first = api.get(f"{ADDRESS}/consents").json()["items"]
    assert {name: first[name] for name in given} == given
    assert (newest["consent"], newest["consent_on"]) == ("withdrawn", "2026-02-06")
    assert (newest["consent_source"], newest["consent_wording"]) == ("", "")
    assert first["token"] == ApiToken.objects.get().prefix
    assert (first["recorded_by"], first["import_id"], first["is_undo"]) == (
        "api-marketer",
        None,
        False,
    )
    page = api.get(f"{ADDRESS}/consents?limit=1").json()
    assert api.get(page["next"].removeprefix("/api/v1/")).json()["items"] == [first]
    masked = api_of(Role.VIEWER).get(f"{ADDRESS}/consents").json()["items"][1]
    assert masked["consent_source"] == "call of 3809•••67"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consent": "given"}, "consent_source"),
        ({"consent": "maybe"}, "consent"),
        ({"consent_on": "2999-01-01", "consent": "withdrawn"}, "consent_on"),
        ({"language": "klingon"}, "language"),
        ({"wanted_topics": ["a"], "unwanted_topics": ["A"]}, "unwanted_topics"),
        ({"name": "Olena"}, "name"),
    ],
)
def test_bad_values_are_named(api: ApiClient, changes: dict[str, Any], field: str) -> None:
    answer = api.patch(ADDRESS, changes)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Person.objects.exists()


def test_a_change_at_the_same_moment_is_not_overwritten(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = person.values_of

    def others_are_faster(row: Person) -> dict[str, str]:
        values = read(row)
        monkeypatch.setattr(person, "values_of", read)
        person.change(PHONE, {"notes": "theirs"}, {"notes": ""}, None)
        return values

    monkeypatch.setattr(person, "values_of", others_are_faster)
    answer = api.patch(ADDRESS, {"notes": "ours"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (412, "notes")


def test_what_is_held_is_exported_and_erased(
    api_of: MakeClient, api: ApiClient, clients: ContactList
) -> None:
    held = api.get(f"{ADDRESS}/data").json()
    assert held["phone"] == f"+{PHONE}"
    assert [row["list"] for row in held["lists"]] == ["Clients"]
    assert api.delete(ADDRESS).status_code == 403
    erased = api_of(Role.ADMINISTRATOR).delete(ADDRESS)
    assert erased.status_code == 200
    assert (erased.json()["lists"], erased.json()["messages"]) == (1, 0)
    assert not Contact.objects.filter(msisdn=PHONE).exists()
    assert api.get(ADDRESS).json()["stop_list"]["for_all_brands"] is True
    entries = AuditEntry.objects.filter(action__in=["exported", "erased"])
    assert entries.count() == 2
    assert PHONE not in str(list(AuditEntry.objects.values_list("subject", "detail")))


def test_phones_are_masked_without_the_permission(
    api_of: MakeClient, api: ApiClient, clients: ContactList
) -> None:
    api.patch(ADDRESS, {"notes": f"also {PHONE}"})
    api.post("stop-list", {"phones": [PHONE], "reason": f"from {PHONE}"})
    viewer = api_of(Role.VIEWER)
    for path in (ADDRESS, "stop-list", f"people?phone={PHONE}"):
        text = str(viewer.get(path).json())
        assert "3809•••67" in text
        assert "71234" not in text
    assert viewer.get("stop-list?q=71234").json()["items"] == []
    assert len(viewer.get(f"stop-list?q={PHONE}").json()["items"]) == 1
    assert len(api.get("stop-list?q=71234").json()["items"]) == 1
    assert viewer.get(f"{ADDRESS}/data").status_code == 403


def test_phones_are_stopped_each_once(api: ApiClient) -> None:
    body = {"phones": ["097 123 45 67", "+380971234567", "12", "0971234568"], "reason": "asked"}
    first = api.post("stop-list", body, Idempotency_Key="stop")
    again = api.post("stop-list", body, Idempotency_Key="stop")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    counts = {name: first.json()[name] for name in ("new", "known", "duplicates", "rejected")}
    assert counts == {"new": 2, "known": 0, "duplicates": 1, "rejected": 1}
    assert first.json()["rows"] == [
        {"outcome": "new", "reason": None},
        {"outcome": "duplicate", "reason": None},
        {"outcome": "rejected", "reason": "too_short"},
        {"outcome": "new", "reason": None},
    ]
    assert api.post("stop-list", body).json()["known"] == 2
    assert StopListEntry.objects.filter(reason="asked").count() == 2
    page = api.get("stop-list?limit=1").json()
    assert page["items"][0]["phone"] == "+380971234568"
    entry = api.get(page["next"].removeprefix("/api/v1/")).json()["items"][0]
    assert api.get(f"stop-list/{entry['id']}").json() == entry
    assert api.delete(f"stop-list/{entry['id']}").status_code == 204
    assert api.get(f"stop-list/{entry['id']}").status_code == 404


def test_a_file_of_phones(api: ApiClient) -> None:
    file = ("stop.csv", b"phone\n0971234567\n0971234568\n12\n0971234567\n")
    added = api.upload("stop-list/file", file, {"reason": "file"}).json()
    assert [added[name] for name in ("rows", "new", "known", "rejected")] == [4, 2, 1, 1]
    assert added["rejected_rows"] == [{"text": "12", "reason": "too_short"}]
    wrong = api.upload("stop-list/file", ("a.csv", b"name\nOlena\n"), {})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "file")


def test_entries_for_all_brands_take_a_permission(api_of: MakeClient, api: ApiClient) -> None:
    body = {"phones": [PHONE], "for_all_brands": True}
    assert api.post("stop-list", body).status_code == 403
    boss = api_of(Role.ADMINISTRATOR)
    assert boss.post("stop-list", body).json()["new"] == 1
    entry = StopListEntry.objects.get()
    assert entry.brand_id is None
    Brand.objects.create(name="Other", slug="other")
    assert api.delete(f"stop-list/{entry.pk}").status_code == 403
    few = api_of(Role.ADMINISTRATOR, scopes={Permission.VIEW, Permission.EDIT_STOP_LIST})
    assert few.delete(f"stop-list/{entry.pk}").status_code == 403
    assert boss.delete(f"stop-list/{entry.pk}").status_code == 204
