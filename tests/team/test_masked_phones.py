"""Viewers see phones masked: no answer, address, header, file or count tells them one."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from campaigns.compose.models import Note
from campaigns.contacts.models import Contact, ContactList, Import, Person, StopListEntry
from campaigns.contacts.people.person_ids import id_of
from campaigns.dispatch.models import Evidence, Recipient
from campaigns.models import Campaign
from campaigns.team.models import AuditEntry, Role, User
from tests.addresses.known_values import learn
from tests.addresses.requests import Site
from tests.addresses.routes import Route, every_route
from tests.addresses.rows import FIRST, make_rows
from tests.passkeys import make_passkey
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
PLANTED = [f"38067123{number:02d}{97 - number:02d}" for number in range(20)]
# the digits behind the country's code, in whatever signs stand between them
SPELLED = re.compile("|".join(r"[^0-9a-zA-Z]{0,6}".join(phone[3:]) for phone in PLANTED))
ROWS, ROWS_WITH_VALUES, VALUES = 40, 2, 3  # of each address, and of each of its parameters


@pytest.fixture
def viewer(settings: Settings, tmp_path: Path) -> Client:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    client = Client()
    client.force_login(make_user("viewer", Role.VIEWER))
    return client


@pytest.fixture
def site(viewer: Client) -> Site:
    """Rows of each kind, with the planted phones wherever a phone or a text can stand."""
    ids = make_rows(make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    make_passkey(User.objects.get(username="viewer"), pk=FIRST + 1)
    plant_contacts()
    for campaign in Campaign.objects.all():
        plant_results(campaign)
    note = f"“8 ({PLANTED[0][2:5]}) → {PLANTED[0]}”"
    guessed = {"older_form": {"count": 1, "examples": [[note, PLANTED[0]]]}}
    Import.objects.update(checked={**CHECKED, "guessed": guessed})
    return Site([viewer], ids)


CHECKED = {
    "rows": 3, "new": 2, "known": 0, "duplicates": 0, "stop_listed": 0,
    "rejected": {"too_short": 1}, "countries": {"UA": 2},
}  # fmt: skip


def plant_contacts() -> None:
    clients = ContactList.objects.get(pk=FIRST)
    for phone in PLANTED:
        fields = {"city": phone, "name": f"call +{phone}"}
        Contact.objects.create(list=clients, msisdn=phone, country="UA", fields=fields)
        StopListEntry.objects.create(msisdn=phone, reason=f"+{phone} wrote to us")
        Person.objects.create(msisdn=phone, notes=f"also {phone}", consent_source=phone)
    ContactList.objects.update(contact_count=len(PLANTED) + 3)


def plant_results(campaign: Campaign) -> None:
    recipients = Recipient.objects.filter(campaign=campaign).order_by("pk")
    for recipient, phone in zip(recipients, PLANTED, strict=False):
        Recipient.objects.filter(pk=recipient.pk).update(msisdn=phone)
    Note.objects.create(campaign=campaign, text=f"Ask +{PLANTED[1]} first")
    subject = f"campaign:{campaign.pk}"
    AuditEntry.objects.create(subject=subject, action="noted", detail=PLANTED[2])
    Evidence.objects.create(
        campaign=campaign, batch_number=1, what=f"{PLANTED[3]} refused", body=f'["{PLANTED[4]}"]'
    )


def answers(site: Site, viewer: Client, route: Route) -> Iterator[tuple[str, Any]]:
    """What a viewer gets of `route`: each of its rows, and each parameter it reads."""
    known = learn(site, route, "get", 2)
    queries = [
        {name: value}
        for name in sorted(known.names - {"phone", "q"})
        for value in sorted(site.offered.get(name, ()))[:VALUES]
    ]
    ids = known.ids[:ROWS] or [FIRST]
    for pk, query in [*product(ids, [{}]), *product(ids[:ROWS_WITH_VALUES], queries)]:
        values = dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PLANTED[5])}
        headers = {"HX-Request": "true"} if query else {}
        yield f"{route.path} {query}", viewer.get(route.url(values), query, headers=headers)


def body_of(answer: Any) -> str:
    content = b"".join(answer) if answer.streaming else answer.content
    if content.startswith(b"PK"):  # a workbook
        with ZipFile(BytesIO(content)) as parts:
            content = b"\n".join(parts.read(name) for name in parts.namelist())
    return str(content.decode("utf-8", "replace"))


@pytest.mark.once
def test_no_address_tells_a_viewer_a_phone(site: Site, viewer: Client) -> None:
    asked, leaks = 0, set()
    for route in every_route():
        if route.is_admin:
            continue
        for address, answer in answers(site, viewer, route):
            asked += answer.status_code == 200
            text = f"{answer.headers}\n{body_of(answer)}"
            leaks |= {(address, found[0]) for found in SPELLED.finditer(text)}
    assert leaks == set()
    assert asked > 300  # of pages, fragments and files


@pytest.mark.parametrize("part", ["38067123", "0671230", "7123", "6712300", "+380 67 123"])
def test_a_part_of_a_phone_finds_nobody_for_a_viewer(site: Site, viewer: Client, part: str) -> None:
    pages = [
        (reverse("list-detail", args=[FIRST]), "q"),
        (reverse("stop-list"), "q"),
        (reverse("person-search"), "q"),
        (reverse("campaign-recipients", args=[FIRST + 1]), "phone"),
    ]
    for address, name in pages:
        page = viewer.get(address, {name: part}).content.decode()
        assert "•••" not in page, address
        assert "Enter the complete phone. You see phones masked" in page, address
    files = reverse("campaign-recipients-csv", args=[FIRST + 1])
    assert body_of(viewer.get(files, {"phone": part})).count("\n") == 1  # the head alone


def test_a_whole_phone_finds_exactly_its_rows_for_a_viewer(site: Site, viewer: Client) -> None:
    phone = PLANTED[0]
    spelled = f"0{phone[3:5]} {phone[5:]}"
    found = viewer.get(reverse("list-detail", args=[FIRST]), {"q": spelled})
    assert [row.msisdn for row, _values in found.context["rows"]] == [phone]
    stopped = viewer.get(reverse("stop-list"), {"q": spelled})
    assert [row.msisdn for row in stopped.context["slice"]] == [phone]
    sent = viewer.get(reverse("campaign-recipients", args=[FIRST + 1]), {"phone": spelled})
    assert [row.message.msisdn for row in sent.context["rows"]] == [phone]
    page = viewer.get(reverse("person-search"), {"q": spelled})
    assert page["Location"] == f"/contacts/people/{id_of(phone)}/"


def test_an_address_with_a_phone_is_not_found(viewer: Client) -> None:
    admin = Client()
    admin.force_login(make_user("boss", Role.ADMINISTRATOR))
    for client in (viewer, admin):
        assert client.get(f"/contacts/people/{PLANTED[0]}/").status_code == 404
        assert client.get(f"/contacts/people/{id_of(PLANTED[0])}/").status_code == 200
