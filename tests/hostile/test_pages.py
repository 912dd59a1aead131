"""No text of a user, a file, a browser or the gateway runs on a page, or leaves an export armed."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import Settings

from campaigns.contacts.people.person_ids import id_of
from campaigns.models import Import, ImportState, Role
from tests.addresses.requests import FORM
from tests.addresses.routes import Route, every_route
from tests.addresses.rows import FIRST, PHONE, make_rows
from tests.hostile.injection import Injections
from tests.hostile.rows import add_a_row_for_each_text, make_every_text_hostile
from tests.hostile.strings import NOT_STORABLE, STORABLE
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
DRAFT, FINISHED, WAITING = FIRST, FIRST + 1, FIRST + 2
TABS = ("recipients", "countries", "message", "activity")
LISTS = {
    "list-list": {}, "segment-list": {}, "label-list": {}, "template-list": {}, "test-groups": {},
    "sender-list": {}, "saved-reports": {}, "import-list": {}, "undelivered-mail": {},
    "campaign-list": {}, "picture-list": {}, "stop-list": {}, "member-list": {}, "campaign-new": {},
    "list-detail": {"pk": FIRST}, "campaign-recipients": {"pk": FINISHED},
}  # fmt: skip
PAGES = 12  # of a list, at most
ARMED = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
NEXT = re.compile(r'<a href="([^"]*)" rel="next"')
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture
def boss(client: Client, settings: Settings, tmp_path: Path) -> Client:
    """An administrator of an installation in which every text is hostile."""
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    user = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    make_rows(user)
    make_every_text_hostile()
    add_a_row_for_each_text(user)
    client.force_login(user)
    client.raise_request_exception = False  # all pages are looked at before the test fails
    return client


def read_to_its_end(answer: Any) -> bytes:
    """The bytes of a file; the answer itself is left open, as closing it ends the transaction."""
    content = b"".join(answer)
    if file := getattr(answer, "file_to_stream", None):
        file.close()
    return content


def every_page(client: Client) -> Iterator[tuple[str, Any]]:
    """Each address with its answer: rows in three states, imports, all pages of lists, all tabs."""
    imports = list(Import.objects.order_by("pk").values_list("pk", flat=True)[:6])
    for route in every_route():
        for pk in _ids(route, imports):
            arguments = dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PHONE)}
            yield route.url(arguments), client.get(route.url(arguments))
    for name, of in LISTS.items():
        yield from following_pages(client, reverse(name, kwargs=of))
    for tab in TABS:
        address = f"{reverse('campaign-detail', args=[FINISHED])}?tab={tab}"
        yield from following_pages(client, address)


def following_pages(client: Client, address: str) -> Iterator[tuple[str, Any]]:
    """A page and all that its pager leads to."""
    for _number in range(PAGES):
        answer = client.get(address)
        yield address, answer
        if not (link := NEXT.search(answer.content.decode())):
            return
        address = urljoin(address, unescape(link[1]))


def _ids(route: Route, imports: list[int]) -> list[int]:
    if "pk" not in route.arguments:
        return [FIRST]
    if route.is_admin:
        return [FIRST]
    if route.path.startswith("contacts/imports/<"):
        return imports
    return [DRAFT, FINISHED, WAITING] if route.path.startswith("campaigns/<") else [FIRST]


@pytest.mark.walk
def test_no_page_has_what_a_text_added(boss: Client, plain_rendering: None) -> None:
    injected, seen, pages = [], set(), 0
    for address, answer in every_page(boss):
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        if (
            (answer.status_code >= 500 and address != "/readyz")  # no worker runs
            or "zqx" in headers
            or len(headers.splitlines()) != len(answer.headers)
        ):
            injected.append(f"{address} {answer.status_code} {headers}")
        if answer.streaming:
            read_to_its_end(answer)
        elif "html" in answer.headers.get("Content-Type", ""):
            page = answer.content.decode()
            pages += answer.status_code == 200
            seen.update(re.findall(r"·(\d+)", page))
            injected += [f"{address} {what}" for what in Injections(page).found]
    assert not injected, "\n".join(injected)
    assert pages > 150
    assert {str(number) for number in range(len(STORABLE))} <= seen  # each of them was on a page


def test_the_parser_finds_what_is_not_escaped() -> None:
    """Else the test above would pass whatever pages show."""
    for text in ('<b title="{}">', "<b>{}</b>", "<b title='{}'>", "<a href='{}'>x</a>"):
        assert any(Injections(text.format(each)).found for each in STORABLE), text
    assert Injections("<p>{{ 191|add:36290 }} = 36,481</p>").found
    harmless = '<p class="a">&lt;script&gt;</p><script src="/static/a.js"></script>'
    assert Injections(harmless).found == []


def exports(client: Client) -> Iterator[tuple[str, bytes]]:
    rejected = Import.objects.filter(state=ImportState.FAILED, rejected__gt=0).get().pk
    for route in every_route():
        if route.is_admin or not re.search(r"csv|xlsx|export", route.path):
            continue
        pk = (
            rejected
            if "imports" in route.path
            else FINISHED
            if "campaigns/" in route.path
            else FIRST
        )
        arguments = dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PHONE)}
        for query in ({}, {"campaign": str(FINISHED)}):
            answer = client.get(route.url(arguments), query)
            if "attachment" in answer.headers.get("Content-Disposition", ""):
                yield route.url(arguments), read_to_its_end(answer)
            elif answer.streaming:
                read_to_its_end(answer)


def test_no_export_is_armed(boss: Client) -> None:
    kinds, cells = set(), 0
    for address, content in exports(boss):
        if content.startswith(b"PK"):
            kinds.add("xlsx")
            for sheet in load_workbook(io.BytesIO(content)):
                for row in sheet.iter_rows():
                    for cell in row:
                        assert cell.data_type != "f", (address, cell.value)
                        assert cell.hyperlink is None, (address, cell.value)
                        cells += 1
        elif not content.startswith(b"{"):
            kinds.add("csv")
            for line in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
                for text in line:
                    assert NUMBER.fullmatch(text) or not ARMED.match(text), (address, text[:80])
                    cells += 1
    assert kinds == {"csv", "xlsx"}
    assert cells > 5 * len(STORABLE)


FORMS = {
    "segment-new": ("name", {}),
    "label-list": ("name", {"colour": "blue"}),
    "campaign-new": ("name", {}),
    "account": ("first_name", {"time_zone": "UTC"}),
}  # fmt: skip


def test_what_no_database_stores_is_answered_at_the_form(client: Client) -> None:
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    for name, (field, others) in FORMS.items():
        for text in NOT_STORABLE:
            pairs = {field: text, **others}.items()
            body = "&".join(
                f"{key}={quote(value.encode('utf-8', 'surrogatepass'))}" for key, value in pairs
            )
            answer = client.post(reverse(name), body, FORM)
            assert answer.status_code < 500, (name, text)
