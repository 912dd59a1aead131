"""Every address takes nonsense for its parameters: no error page, and never everything instead."""

import inspect
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import (
    Campaign,
    CampaignState,
    CampaignTemplate,
    Contact,
    ContactList,
    Import,
    ImportSchedule,
    ImportState,
    Label,
    Note,
    Picture,
    Role,
    Segment,
    StopListEntry,
    TestGroup,
    User,
)
from tests.addresses.requests import FORM
from tests.reports.factories import make_campaign, make_user, send

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
# NUL, an id that no column holds, digits that are no number, a number as spreadsheets write it
HUGE = "9" * 30
BAD_VALUES = ("\0", HUGE, "²", "b\0.1", "abc")
MIXES = (BAD_VALUES, BAD_VALUES[1:])
READ = re.compile(r"""(?:GET|POST|query|data)(?:\.get|\.getlist)?[(\[]\s*"([a-z_]+)\"""")
FORM_FIELDS = re.compile(r"^    ([a-z_]+) = (?:forms\.)?[A-Za-z]+Field\(", re.MULTILINE)
MORE = {"contact", "person", "q", "page", "at", "sort", "state", "why", "label", "text", "title"}


def parameters() -> list[str]:
    """Every name by which some view or form reads a value."""
    names = set(MORE)
    for path in Path(django_settings.BASE_DIR, "campaigns").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        names |= set(READ.findall(code)) | set(FORM_FIELDS.findall(code))
    return sorted(names - {"next"})


def addresses() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """The name of each address of ours, its arguments, and the parameters that its view reads."""
    for pattern in patterns(get_resolver().url_patterns):
        if pattern.name and pattern.callback.__module__.startswith("campaigns."):
            view = inspect.unwrap(pattern.callback)
            yield pattern.name, dict(pattern.pattern.converters), READ.findall(source(view))


def source(view: Any) -> str:
    return inspect.getsource(view) if inspect.isfunction(view) else ""


def patterns(items: list[Any]) -> Iterator[URLPattern]:
    for item in items:
        if isinstance(item, URLResolver):
            if item.app_name != "admin":
                yield from patterns(item.url_patterns)
        else:
            yield item


@pytest.fixture
def boss(client: Client, settings: Settings, tmp_path: Path) -> Client:
    """An administrator, with one row of each kind; the gateway is out of reach."""
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    user = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    client.force_login(user)
    client.raise_request_exception = False
    return client


@pytest.fixture
def rows(boss: Client) -> int:
    """One row of each kind with the same id, so that one number opens every page."""
    pk = 77
    clients = ContactList.objects.create(pk=pk, name="Clients", contact_count=2, fields=["city"])
    for digit in range(2):
        Contact.objects.create(pk=pk + digit, list=clients, msisdn=f"38097000000{digit}")
    Import.objects.create(pk=pk, list=clients, state=ImportState.UPLOADED, mapping={"columns": []})
    owner = User.objects.get(username="boss")
    ImportSchedule.objects.create(
        pk=pk, list=clients, list_name="Clients", owner=owner, next_run_at=timezone.now()
    )
    StopListEntry.objects.create(pk=pk, msisdn="380970000009")
    sent = make_campaign("Autumn", CampaignState.FINISHED, pk=pk)
    send(sent, {("UA", "read"): 2, ("UA", "refused"): 1})
    Label.objects.create(pk=pk, name="VIP")
    Note.objects.create(pk=pk, campaign=sent, text="Note")
    Segment.objects.create(pk=pk, name="Segment")
    TestGroup.objects.create(pk=pk, name="Team", phones=["380970000001"])
    CampaignTemplate.objects.create(pk=pk, name="Template")
    Picture.objects.create(pk=pk, title="Picture", file="picture.png", width=1, height=1, size=1)
    return pk


def url(name: str, arguments: dict[str, Any], pk: int | str) -> str:
    values = {key: pk if key == "pk" else "380970000001" for key in arguments}
    return reverse(name, kwargs=values)


@pytest.mark.parametrize(
    ("method", "state"), [("get", CampaignState.FINISHED), ("post", CampaignState.DRAFT)]
)
def test_no_address_fails_on_nonsense(
    boss: Client, rows: int, method: str, state: CampaignState, plain_rendering: None
) -> None:
    Campaign.objects.update(state=state)
    every_name, failed = parameters(), []
    for name, arguments, own_names in addresses():
        address = url(name, arguments, rows)
        queries = [dict(zip(every_name, cycle(values), strict=False)) for values in MIXES]
        queries += [{key: "\0"} for key in own_names]
        failed += [query for query in queries if _fails(boss, method, address, query)]
        if "pk" in arguments:
            queries, address = [{}], url(name, arguments, HUGE)
            failed += [query for query in queries if _fails(boss, method, address, query)]
    assert failed == []


def _fails(client: Client, method: str, address: str, query: dict[str, str]) -> bool:
    """Whether there is an error page. What a request does is undone before the next."""
    with transaction.atomic():
        # encoded as browsers do it without a file: Django takes ten times as long to read multipart
        answer = (
            client.get(address, query)
            if method == "get"
            else client.post(address, urlencode(query), FORM)
        )
        if answer.streaming:
            b"".join(answer)
        transaction.set_rollback(True)

    return int(answer.status_code) == 500


EXPORTS = [
    ("list-export-csv", {}, ("q",)),
    ("campaign-recipients-csv", {}, ("phone", "state", "country", "why")),
    (
        "spend-export",
        {},
        ("campaign", "country", "channel", "sender", "user", "tariff", "label", "list"),
    ),
    ("spend-entries-csv", {"campaign": "77"}, ("country", "channel")),
    ("spend-entries-csv", {}, ("campaign",)),
]


@pytest.mark.parametrize(("name", "query", "keys"), EXPORTS)
def test_nonsense_never_exports_everything(
    boss: Client, rows: int, name: str, query: dict[str, str], keys: tuple[str, ...]
) -> None:
    arguments = {} if name.startswith("spend") else {"pk": rows}
    address = reverse(name, kwargs=arguments)
    if keys != ("campaign",):  # entries are always those of one campaign
        assert _lines(boss, address, query) > 1
    for key in keys:
        for value in ("\0", "abc\0", HUGE, "²"):
            assert _lines(boss, address, query | {key: value}) == 1, (key, value)


def _lines(client: Client, address: str, query: dict[str, str]) -> int:
    return b"".join(client.get(address, query)).count(b"\r\n")


@pytest.mark.parametrize("key", ["state", "label", "sender", "who", "from", "to"])
def test_nonsense_never_lists_every_campaign(boss: Client, rows: int, key: str) -> None:
    address = reverse("campaign-list")
    assert len(boss.get(address).context["page"].object_list) == 1
    for value in ("\0", HUGE, "²", "abc"):
        page = boss.get(address, {key: value})
        assert len(page.context["page"].object_list) == 0
        assert "cannot be read" in page.content.decode()


@pytest.mark.parametrize("value", ["abc", "\0", HUGE, "²", ""])
def test_nonsense_never_copies_everybody(boss: Client, rows: int, value: str) -> None:
    address = f"{reverse('list-copy', args=[rows])}?{urlencode({'contact': value})}"
    boss.post(address, {"name": "Copy"})
    assert not Contact.objects.filter(list__name="Copy").exists()
