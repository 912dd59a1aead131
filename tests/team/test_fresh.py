"""What endangers most asks again who it is, and nothing is lost by that."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import ApprovalLimit
from campaigns.contacts.people.person_ids import id_of
from campaigns.models import AuditEntry, Campaign, CampaignState, Role, Sender, User
from campaigns.team.models import Brand
from campaigns.team.pages.sign_in import fresh
from campaigns.team.sign_in import sessions
from tests.addresses.rows import FIRST, PHONE, make_rows
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "secret-enough-1"
PERSON = f"/contacts/people/{id_of(PHONE)}"
FIELD = re.compile(r'<textarea\s+name="([^"]+)"\s+hidden\s*>\n(.*?)</textarea>', re.DOTALL)
DOWNLOADS = [
    f"/contacts/{FIRST}/export.csv",
    f"/contacts/{FIRST}/export.xlsx?q=380",
    f"/campaigns/{FIRST + 1}/recipients.csv",
    "/spend/entries.csv",
    f"{PERSON}/data.json",
]
CHANGES: list[tuple[str, dict[str, str]]] = [
    (f"/campaigns/{FIRST + 2}/approve", {}),
    (f"{PERSON}/erase", {}),
    ("/account/", {"email": "new@example.com"}),
    ("/account/factors/codes/renew", {}),
    ("/settings/team/", {"username": "new", "role": "viewer"}),
    (f"/settings/team/{FIRST}/role", {"role": "administrator"}),
    ("/settings/api/", {"name": "CRM", "scopes": "view", "days": "90"}),
    (f"/settings/team/{FIRST}/close", {}),
    (f"/settings/team/{FIRST}/reopen", {}),
    (f"/settings/team/{FIRST}/link", {}),
    (f"/settings/team/{FIRST}/factor/ask", {}),
    ("/settings/consent/", {"needs_consent": "on"}),
    ("/settings/approval/", {"currency": "EUR", "amount": "5"}),
    (f"/settings/approval/{FIRST}/delete", {}),
    ("/settings/frequency-cap/", {"messages": "3", "days": "7"}),
    ("/settings/frequency-cap/remove", {}),
    (f"/campaigns/{FIRST}/cap", {"cap": "none"}),
    ("/settings/budgets/", {"currency": "EUR", "amount": "5"}),
    (f"/settings/budgets/{FIRST}/delete", {}),
    (f"/settings/budgets/person/{FIRST}/delete", {}),
    (f"/campaigns/{FIRST}/budget", {"amount": "5"}),
    ("/settings/confirm-account", {"account": "another"}),
    ("/settings/brands/1/key/remove", {}),
    ("/settings/webhooks/", {"address": "https://example.com/", "kinds": "message.read"}),
    (f"/settings/webhooks/{FIRST}/", {"address": "https://example.com/", "kinds": "message.read"}),
    (f"/settings/webhooks/{FIRST}/switch", {"on": "0"}),
    (f"/settings/webhooks/{FIRST}/secret", {}),
    (f"/settings/webhooks/{FIRST}/rotate", {"hours": "24"}),
    (f"/settings/webhooks/{FIRST}/delete", {}),
    ("/admin/campaigns/sender/add/", {"name": "NewShop"}),
]


@pytest.fixture
def boss(settings: Settings, tmp_path: Path) -> User:
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    user = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    make_rows(user)
    return user


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def later(client: Client) -> Iterator[None]:
    """Eleven minutes after the sign-in."""
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        yield


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def everything() -> list[Any]:
    return [
        list(AuditEntry.objects.values_list()),
        list(User.objects.order_by("pk").values_list()),
        list(Campaign.objects.order_by("pk").values_list("state", "budget")),
        Sender.objects.count(),
    ]


def confirm(client: Client, asked: str) -> str:
    """Confirm with the password where `asked` leads; return where that leads."""
    assert asked.startswith("/confirm/?next=")
    return str(client.post(asked, {"password": PASSWORD}).headers["Location"])


def test_all_that_endangers_asks_and_does_nothing_before(client: Client, later: None) -> None:
    before = everything()
    for address in DOWNLOADS:
        assert client.get(address).headers["Location"].startswith("/confirm/?next="), address
    for address, fields in CHANGES:
        answer = client.post(address, fields)
        assert answer.headers.get("Location", "").startswith("/confirm/?next="), address
    assert everything() == before


def test_nothing_asks_shortly_after_the_sign_in(client: Client) -> None:
    for address in DOWNLOADS:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert body_of(answer), address
    answer = client.post("/settings/approval/", {"currency": "UAH", "amount": "5"})
    assert answer.headers["Location"] == "/settings/approval/"


def test_form_is_posted_again_as_it_was(client: Client, later: None) -> None:
    asked = client.post(
        "/settings/budgets/?month=1",
        {"amount": "5", "currency": "EUR", "note": "\na\n<b>", "list": ["1", "2"]},
    )
    target = confirm(client, asked.headers["Location"])
    page = client.get(target).content.decode()
    assert 'action="/settings/budgets/?month=1"' in page
    fields = [(name, html.unescape(value)) for name, value in FIELD.findall(page)]
    assert fields == [
        ("amount", "5"), ("currency", "EUR"), ("note", "\na\n<b>"), ("list", "1"), ("list", "2"),
    ]  # fmt: skip
    assert (
        client.post("/settings/budgets/", dict(fields)).headers["Location"] == "/settings/budgets/"
    )
    assert client.get(target).headers["Location"] == "/"  # once


def test_download_starts_after_the_confirmation(client: Client, later: None) -> None:
    back = {"Referer": f"http://testserver/contacts/{FIRST}/?q=38"}
    asked = client.get(f"/contacts/{FIRST}/export.csv?q=38", headers=back)
    page = client.get(confirm(client, asked.headers["Location"])).content.decode()
    assert f'href="/contacts/{FIRST}/export.csv?q=38"' in page
    assert f'href="/contacts/{FIRST}/?q=38"' in page


def test_page_of_another_site_is_never_led_back_to(client: Client, later: None) -> None:
    asked = client.get(DOWNLOADS[0], headers={"Referer": "https://example.com/"})
    page = client.get(confirm(client, asked.headers["Location"])).content.decode()
    assert "example.com" not in page
    answer = client.post("/confirm/?next=https://example.com/", {"password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_scripts_are_told_and_background_requests_are_refused(client: Client, later: None) -> None:
    address = "/settings/approval/"
    answer = client.post(address, headers={"Accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Confirm first that it is you."
    assert answer.json()["confirm"].startswith("/confirm/?next=%2Fconfirm%2Fgo-on")
    shown = {"HX-Request": "true", "HX-Current-URL": "http://testserver/settings/approval/?a=1"}
    answer = client.post(address, headers=shown)
    assert answer.headers["HX-Redirect"] == "/confirm/?next=%2Fsettings%2Fapproval%2F%3Fa%3D1"
    assert client.post(address, headers={"X-Background": "true"}).status_code == 403


def test_only_the_last_few_forms_are_kept_and_no_huge_one(client: Client, later: None) -> None:
    asked = [
        client.post("/settings/approval/", {"amount": str(number)}).headers["Location"]
        for number in range(fresh.MOST_KEPT + 1)
    ]
    targets = [confirm(client, address) for address in asked]
    assert client.get(targets[0]).status_code == 302
    assert all(client.get(target).status_code == 200 for target in targets[1:])


def test_huge_form_is_not_kept(client: Client, later: None) -> None:
    huge = {"amount": "5" * (fresh.LARGEST_FORM + 1)}
    back = {"Referer": "http://testserver/settings/approval/"}
    answer = client.post("/settings/approval/", huge, headers=back)
    assert answer.headers["Location"] == "/confirm/?next=%2Fsettings%2Fapproval%2F"


def test_wrong_passwords_of_a_confirmation_are_counted_and_recorded(
    client: Client, later: None
) -> None:
    for _ in range(5):
        page = client.post("/confirm/", {"password": "x"}).content.decode()
        assert "This is not your password." in page
    page = client.post("/confirm/", {"password": PASSWORD}).content.decode()
    assert "Too many attempts." in page
    assert AuditEntry.objects.filter(action="sign-in failed").count() == 5


def test_launch_asks_only_above_the_approval_limit(client: Client, later: None) -> None:
    Campaign.objects.filter(pk=FIRST).update(state=CampaignState.DRAFT)
    page = client.get(f"/campaigns/{FIRST}/review").content.decode()
    typed = re.search(r'name="audience" value="([^"]+)"', page)
    assert typed
    fields = {"audience": typed[1], "recipients": "3"}
    answer = client.post(f"/campaigns/{FIRST}/launch", fields)
    # the price is not known, so any limit asks for approval
    assert answer.headers["Location"].startswith("/confirm/")
    ApprovalLimit.objects.all().delete()
    answer = client.post(f"/campaigns/{FIRST}/launch", fields)
    assert not answer.headers.get("Location", "").startswith("/confirm/")


def test_session_of_the_version_before_is_as_fresh_as_its_sign_in(client: Client) -> None:
    session = client.session
    del session[sessions.CONFIRMED]
    session.save()
    assert client.get(DOWNLOADS[0]).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.get(DOWNLOADS[0]).headers["Location"].startswith("/confirm/?next=")
        assert client.get("/campaigns/").status_code == 200


def test_form_of_another_brand_goes_on_at_its_own_address(client: Client, later: None) -> None:
    Brand.objects.create(name="Other", slug="other")
    asked = client.post("/b/other/settings/budgets/", {"amount": "5", "currency": "EUR"})
    confirm_there = asked.headers["Location"]
    assert confirm_there.startswith("/b/other/confirm/?next=%2Fb%2Fother%2Fconfirm%2Fgo-on")
    target = client.post(confirm_there, {"password": PASSWORD}).headers["Location"]
    assert 'action="/b/other/settings/budgets/"' in client.get(target).content.decode()
