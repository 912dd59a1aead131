"""Hostile texts where no page shows them: headers of e-mails, names of files, fetched addresses."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from django.core.mail import get_connection
from pytest_django import Settings

from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Import
from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.fetch import Limits, fetch
from campaigns.team.mail import Attachment, mail_to
from campaigns.team.mail_delivery import email_of
from tests.file_server import Resolver
from tests.hostile.strings import ADDRESSES, HTML, LINES, NOT_STORABLE, PATHS, STORABLE
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
HEADERS = {
    "Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID",
    "Content-Transfer-Encoding",
}  # fmt: skip


@pytest.mark.walk  # no database decides what a header is
def test_no_text_adds_a_header_to_an_email() -> None:
    connection = get_connection("django.core.mail.backends.locmem.EmailBackend")
    for text in STORABLE:
        file = Attachment(f"{text[:150]}.csv", "text/csv", b"phone\r\n")
        message = mail_to("olena@example.com", f"Report {text}", text, file)
        parsed = message_from_bytes(
            email_of(connection, message).message().as_bytes(), policy=default
        )
        assert set(parsed.keys()) <= HEADERS, text
        assert parsed["To"] == "olena@example.com"
        body, attached = parsed.iter_parts()
        assert attached.get_content() == "phone\n", text
        assert body.get_content_type() == "text/plain"


def test_names_of_uploads_lead_nowhere(settings: Settings, tmp_path: Path) -> None:
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    names, user = (*PATHS, *LINES, *HTML[:10]), make_user()
    for name in names:
        lifecycle.receive_upload([b"phone\n0501234567\n"], name, None, "New", "UA", user)
    assert [path.name for path in tmp_path.iterdir()] == ["uploads"]
    files = [path for path in settings.UPLOAD_ROOT.rglob("*") if path.is_file()]
    assert all(set(path.name.partition(".")[0]) <= set("0123456789abcdef") for path in files)
    assert list(Import.objects.order_by("pk").values_list("file_name", flat=True)) == list(names)


def test_no_address_leads_into_the_internal_network(settings: Settings, resolver: Resolver) -> None:
    settings.INTERNAL_HOSTS = []
    for host in ("evil.example", "x.example", "127.0.0.1.nip.io", "xn--xample-2of.com"):
        resolver.names[host] = ["127.0.0.1"]
    resolver.names["xn--80ak6aa92e.com"] = resolver.names["https"] = ["10.0.0.1"]
    for address in (*ADDRESSES, *NOT_STORABLE):
        with pytest.raises(FetchError), fetch(address, Limits(seconds=5, size=100)):
            pass
    assert resolver.connected == []
