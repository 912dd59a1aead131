"""The logo of a brand: set and removed by administrators, shown on the pages of recipients."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.dispatch.models import Recipient
from campaigns.models import AuditEntry, Role
from campaigns.shared.brands.scope import MAIN
from campaigns.team.models import Brand
from tests.engagement.visits import Answer, code, open_path, sent
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
ADDRESS = f"/settings/brands/{MAIN}/logo"


@pytest.fixture
def admin(client: Client, settings: Settings, tmp_path: Path) -> Client:
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    return client


def image(kind: str = "WEBP", width: int = 300, height: int = 100) -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, kind)
    return SimpleUploadedFile(f"logo.{kind.lower()}", buffer.getvalue())


def set_logo(admin: Client) -> str:
    assert admin.post(ADDRESS, {"logo": image()}).status_code == 302
    return Brand.objects.get(pk=MAIN).logo


def load(logo: str, path: str = "/l/logo/") -> Answer:
    return open_path(f"{path}{Path(logo).name}")


def test_the_logo_is_shown_and_loaded_without_a_cookie(admin: Client, tmp_path: Path) -> None:
    logo = set_logo(admin)
    sent(text="{unsubscribe}")
    page = open_path(f"/{code(Recipient.objects.order_by('pk')[0], PageTag.OPT_OUT.number)}")
    assert f'src="/l/logo/{Path(logo).name}"' in page.body.decode()
    assert "img-src 'self'" in page.headers["Content-Security-Policy"]
    for path in ("/l/logo/", "/logo/"):  # at the host of links
        answer = load(logo, path)
        assert answer.status == 200
        assert Image.open(BytesIO(answer.body)).size == (300, 100)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer.headers
    assert open_path(f"/l/logo/{Path(logo).name}", method="HEAD").body == b""
    entry = AuditEntry.objects.get(action="logo set")
    assert entry.detail == "Main"


def test_another_logo_replaces_it_and_removal_deletes_the_file(
    admin: Client, tmp_path: Path
) -> None:
    before = set_logo(admin)
    after = set_logo(admin)
    assert [path.name for path in tmp_path.rglob("*.*")] == [Path(after).name]
    assert (load(before).status, load(after).status) == (404, 200)
    assert b"<img" in admin.get(ADDRESS).content
    assert admin.post(f"{ADDRESS}/remove").status_code == 302
    assert (list(tmp_path.rglob("*.*")), load(after).status) == ([], 404)
    admin.post(f"{ADDRESS}/remove")
    assert AuditEntry.objects.filter(action="logo removed").count() == 1


@pytest.mark.parametrize("name", ["", "x.png", "../settings.py", "%00.png", f"{'a' * 32}.png"])
def test_nothing_else_is_loaded(name: str) -> None:
    assert open_path(f"/l/logo/{name}").status == 404


def test_other_files_are_refused_with_the_reason(admin: Client) -> None:
    for file, text in (
        (None, "Choose a file."),
        (
            SimpleUploadedFile("x.svg", b"<svg/>"),
            "This file is not a JPEG, PNG, WebP or HEIC image.",
        ),
        (image(width=20), "Use at least 64 pixels on each side"),
    ):
        answer = admin.post(ADDRESS, {"logo": file} if file else {})
        assert (answer.status_code, text in answer.content.decode()) == (422, True)
    assert Brand.objects.get(pk=MAIN).logo == ""


def test_only_who_manages_the_team_sets_it(client: Client) -> None:
    client.force_login(make_user("ann", Role.APPROVER))
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"logo": image()}).status_code == 403
