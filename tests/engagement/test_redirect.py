"""What whoever opens a link gets."""

import random

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from campaigns.compose.message.tracking.codes import ALPHABET, CODE_LENGTH, link_codes
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people.erase_contact import erase
from campaigns.engagement import redirect
from campaigns.engagement.models import Click
from tests.engagement.visits import HOST, SHOP, click, code, open_path, sent

pytestmark = pytest.mark.django_db


def first() -> Recipient:
    return Recipient.objects.order_by("pk")[0]


def test_link_leads_to_the_target_with_the_recipients_values() -> None:
    sent()
    answer = open_path(f"/{code(first(), 1)}")
    city = "%D0%9A%D0%B8%D1%97%D0%B2"
    assert answer.status == 302
    assert answer.headers == {
        "Location": f"{SHOP}a?c={city}&d={city}", "Content-Length": "0",
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    assert answer.body == b""
    assert open_path(f"/{code(first())}").headers["Location"] == f"{SHOP}?utm_source=viber"
    assert open_path(f"/{code(first(), 2)}").headers["Location"] == f"{SHOP}sms"


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("https://приклад.укр/ї?a=ї#ї", "https://xn--80aikifvh.xn--j1amh/%D1%97?a=%D1%97#%D1%97"),
        (f"{SHOP}{{{{x}}}}", f"{SHOP}%7Bx%7D"),
        (f"{SHOP}%D1%97?a=1&b=%26", f"{SHOP}%D1%97?a=1&b=%26"),
        (f"{SHOP}?n={{city}}", f"{SHOP}?n=%0D%0ASet-Cookie%3A%20a%2F..%2F%40evil.example"),
    ],
)
def test_location_is_ascii_and_values_change_nothing_but_themselves(
    target: str, location: str
) -> None:
    sent(1, city="\r\nSet-Cookie: a/../@evil.example", text=f"Hi {target}")
    assert open_path(f"/{code(first(), 1)}").headers["Location"] == location


def test_answer_writes_nothing() -> None:
    sent()
    path = f"/{code(first())}"
    open_path(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert open_path(path).status == 302
    assert queries.captured_queries == []  # the one read is not by a cursor of Django's
    assert Click.objects.count() == 0
    redirect.inbox.flush()
    assert Click.objects.count() == 2


def test_unknown_codes_get_a_plain_page() -> None:
    sent()
    known = code(first())
    wrong = [
        "", "/", f"/{known[:-1]}", f"/{known}1", f"/{known}/", f"/{known[::-1]}", "/favicon.ico",
        f"/{code(first(), 3)}", "/" + "z" * 11, "/é" + "1" * 10, "/healthz", "/admin/",
    ]  # fmt: skip
    for path in wrong:
        answer = open_path(path)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store"), path
        assert b"This link does not work" in answer.body
        assert "Set-Cookie" not in answer.headers
    redirect.inbox.flush()
    assert Click.objects.count() == 0


def test_ten_thousand_guesses_find_nothing() -> None:
    sent(200)
    guesses = random.Random(7)
    for _guess in range(10_000):
        path = "/" + "".join(guesses.choices(ALPHABET, k=CODE_LENGTH))
        assert open_path(path).status == 404


def test_before_the_first_link_nothing_is_made() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert open_path("/" + "1" * 11).status == 404
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_only_get_and_head(method: str) -> None:
    sent()
    assert open_path(f"/{code(first())}", method=method).status == 405
    assert open_path(f"/{code(first())}", method="HEAD").status == 302


def test_hosts_of_links_and_of_pages_share_nothing(settings: Settings) -> None:
    sent()
    dash, known = "testserver", code(first())
    assert open_path("/healthz").status == 404
    assert open_path("/healthz", host=f"{HOST}:8000").status == 404
    assert open_path("/healthz", host=f"{HOST.upper()}.").status == 404
    # links that were sent before there was a host of their own
    assert open_path(f"/l/{known}", host=dash).status == 302
    settings.LINK_HOST = ""
    assert open_path(f"/l/{known}", host=dash).status == 302
    assert not redirect.is_link({"PATH_INFO": f"/{known}", "HTTP_HOST": dash})


def test_links_work_on_when_the_campaign_is_old_or_its_recipient_erased() -> None:
    campaign = sent()
    Campaign.objects.filter(pk=campaign.pk).update(
        state="finished", archived_at="2026-01-01T00:00Z"
    )
    recipient = first()
    erase(recipient.msisdn, None)
    answer = click(recipient, 1)
    assert answer.headers["Location"] == f"{SHOP}a?c=x&d="
    [stored] = Click.objects.select_related("recipient")
    assert stored.recipient.msisdn == f"x{recipient.pk}"


def test_two_references_that_begin_alike_lead_nowhere() -> None:
    sent()
    one, other = Recipient.objects.order_by("pk")[:2]
    known = code(one)
    changed = one.reference[:-1] + ("0" if one.reference[-1] != "0" else "1")
    Recipient.objects.filter(pk=other.pk).update(reference=changed)
    assert open_path(f"/{known}").status == 404


def test_without_a_database_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_code: str) -> None:
        raise DatabaseError

    monkeypatch.setattr(redirect.targets, "find", fail)
    monkeypatch.setattr(connection, "close", lambda: None)
    answer = open_path(f"/{link_codes().code('a' * 32, 0)}")
    assert (answer.status, b"Try again in a minute" in answer.body) == (503, True)
