"""A whole campaign to a thousand phones, sent with a key that its brand has of its own, with what
goes wrong on the way: no phone and no key in logs, error pages, the queue, and what viewers see.
"""

import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState, Note
from campaigns.contacts import tasks as contact_tasks
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Contact, Import, ImportState, Person, StopListEntry
from campaigns.contacts.people.person_ids import id_of
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg.client import Client as Gateway
from campaigns.gateway.key_in_use import using
from campaigns.models import Role
from campaigns.results.delivery_reports import receiver
from campaigns.results.polling import asker
from campaigns.shared.brands.scope import MAIN
from campaigns.team.brand_keys.in_use import key_of_brand
from campaigns.team.models import Brand
from tests.addresses.routes import every_route
from tests.brand_keys import give_account, share
from tests.dispatch import asking, factory
from tests.reports.factories import make_user
from tests.sandbox_fixture import KEY, RunningSandbox
from viberdash.logs import RedactingFormatter

pytestmark = pytest.mark.django_db
PEOPLE, FIRST = 1_000, 481_516
PHONES = [factory.phone(number) for number in range(FIRST, FIRST + PEOPLE)]
STOPPED = PHONES[:20]
# What is stored for the brand. Only what knows it finds it: it does not look like most keys.
STORED_KEY = "live_ab-cd-ef-01"
KEYS = (KEY, STORED_KEY)
# of digits with at most a few signs between them, the last nine digits of a phone
RUN = re.compile(r"\d(?:[^0-9a-zA-Z]{0,3}\d){8,}")
ENDS = {phone[-9:] for phone in PHONES}


def found_in(text: str) -> list[str]:
    """The phones and keys that a text names, in whatever way they are written."""
    found = [key for key in KEYS if key in text]
    for run in RUN.finditer(text):
        digits = re.sub(r"\D", "", run[0])
        found += [end for at in range(len(digits) - 8) if (end := digits[at : at + 9]) in ENDS]
    return found


@pytest.fixture
def log(sandbox: RunningSandbox, settings: Settings, tmp_path: Path) -> Iterator[StringIO]:
    """All that is logged at any level, as it is written."""
    share(settings, sandbox)
    give_account(settings, Brand.objects.get(pk=MAIN), sandbox, STORED_KEY)
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE, settings.DEBUG = tmp_path / "state.json", False
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(RedactingFormatter([KEY]))
    names = ("", "campaigns", "django", "django.request", "django-q", "urllib3", "requests")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def plant() -> Campaign:
    """A launched campaign whose message names the phone of each recipient."""
    contacts = factory.contact_list("Clients", PEOPLE, FIRST)
    rows = list(Contact.objects.filter(list=contacts))
    for row in rows:
        row.fields = {"tel": f"+{row.msisdn}"}
    Contact.objects.bulk_update(rows, ["fields"])
    contacts.fields = ["tel"]
    contacts.save()
    for phone in STOPPED:
        StopListEntry.objects.create(msisdn=phone, reason=f"+{phone} wrote to us")
        Person.objects.create(msisdn=phone, notes=f"also {phone}", consent_source=phone)
    campaign = factory.launched_to(contacts, text="Is {tel} your phone?", sms_sender="")
    Note.objects.create(campaign=campaign, text=f"Ask +{PHONES[30]} first")
    return campaign


def send_with_faults(sandbox: RunningSandbox) -> None:
    """To the end, through failing, lost and unreadable answers and a phone that is refused."""

    def send(client: Gateway, seconds: int) -> None:
        BatchSender(client, 4, timezone.now() + timedelta(seconds=seconds)).run()
        factory.an_hour_later()
        asking.resolve(client)

    for faults in ({"http500": 100}, {"lost": 60}, {"html": 60}, {"http400_phone": PHONES[40]}):
        sandbox.faults(**faults)
        send(sandbox.client(STORED_KEY), 1)  # what fails is tried again until then
        factory.an_hour_later()
        sweep.sweep()
    sandbox.faults()
    for _attempt in range(4):
        send(sandbox.client(STORED_KEY), 60)
    sandbox.settle()
    sandbox.faults(status_http500=50)
    for _attempt in range(2):
        factory.an_hour_later()
        asker.ask(sandbox.client(STORED_KEY), 4, timezone.now() + timedelta(seconds=60))
        sandbox.faults()
    message = Recipient.objects.exclude(gateway_id="").first()
    assert message is not None
    report = {"reference": message.reference, "msisdn": message.msisdn, "status": "read"}
    assert receiver.receive(json.dumps(report).encode()) == 200
    assert receiver.receive(f'["{message.msisdn}"'.encode()) == 400
    receiver.inbox.flush()


def upload_files(user: Any) -> Import:
    """One file that is imported in part, and one that is refused."""
    rows = "\n".join(["phone", *PHONES[:50], f"{PHONES[51]}0099x"])
    name = f"{PHONES[52]}.csv"
    imported = lifecycle.receive_upload([rows.encode()], name, None, "New", "UA", user)
    broken = lifecycle.receive_upload(
        [b"PK\x03\x04", PHONES[53].encode()], f"{PHONES[53]}.xlsx", None, "Broken", "UA", user
    )
    for made in (imported, broken):
        contact_tasks.open_file(made.pk)
        made.refresh_from_db()
    assert broken.state == ImportState.FAILED
    return imported


def error_pages(client: Client) -> Iterator[str]:
    """What is answered where a view fails with a phone and the key, and to what is refused."""
    client.raise_request_exception = False
    error = RuntimeError(f"{PHONES[60]} with {KEY} and {STORED_KEY}")
    with patch("campaigns.reports.pages.overview_views.render", side_effect=error):
        page = client.get("/", {"q": PHONES[61]}, headers={"Referer": f"/?q={PHONES[61]}"})
        assert page.status_code == 500
        yield page.content.decode()
    for address in (f"/contacts/people/{PHONES[62]}/", f"/{PHONES[62]}", "/contacts/people/x/"):
        page = client.get(address)
        assert page.status_code == 404
        yield page.content.decode()


def queue() -> Iterator[str]:
    """Everything in the tables of the queue, tasks unpacked too."""
    for model in apps.get_app_config("django_q").get_models():
        yield from (str(row) for row in model._default_manager.values())
    for task in OrmQ.objects.all():
        yield str(task.task)


def pages(client: Client, ids: dict[str, int]) -> Iterator[tuple[str, str]]:
    """All that a viewer gets: pages, fragments and files."""
    for route in every_route():
        if route.is_admin:
            continue
        pk = next((pk for part, pk in ids.items() if route.path.startswith(part)), 1)
        values = dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PHONES[5])}
        answer = client.get(route.url(values))
        content = b"".join(answer) if answer.streaming else answer.content
        if answer.status_code == 200:
            yield route.path, f"{answer.headers}\n{content.decode('utf-8', 'replace')}"


@pytest.mark.once
def test_no_phone_and_no_key_gets_out(sandbox: RunningSandbox, log: StringIO) -> None:
    with using(key_of_brand(MAIN)):
        campaign, viewer = plant(), Client()
    viewer.force_login(make_user("viewer", Role.VIEWER))
    imported = upload_files(make_user("marketer", Role.MARKETER))
    with using(key_of_brand(MAIN)):
        send_with_faults(sandbox)
    assert sandbox.bill()["doubled_phones"] == 0
    assert sandbox.bill()["phones"] > PEOPLE / 2
    assert Batch.objects.exclude(state="done").count() == 0
    sweep.sweep()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    for page in error_pages(viewer):
        assert found_in(page) == []
    ids = {
        "campaigns/": campaign.pk,
        "contacts/imports/": imported.pk,
        "contacts/": campaign.lists.get().pk,
    }
    leaks, seen = {}, 0
    for address, text in pages(viewer, ids):
        seen += 1
        if found := found_in(text):
            leaks[address] = found[:3]
    assert leaks == {}
    assert seen > 45
    for row in queue():
        assert found_in(row) == []
    lines = log.getvalue().splitlines()
    assert [line for line in lines if found_in(line)] == []
    assert any("Internal Server Error" in line for line in lines)
    assert len(lines) > 50


def test_phones_are_found_however_they_are_written() -> None:
    """Else the test above would pass whatever is shown."""
    phone = PHONES[0]
    local = f"0{phone[3:5]} {phone[5:8]}-{phone[8:]}"
    for text in (phone, f"+{phone}", local, f'"{phone}0"', *KEYS):
        assert found_in(f"about {text}, please"), text
    assert found_in(f"{phone[:3]}…{phone[-2:]} and 2026-03-25 10:00:00.481516") == []
