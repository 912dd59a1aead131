"""Opening links as phones and programs do, at the entry point of the web server."""

from datetime import timedelta
from io import BytesIO
from typing import Any, NamedTuple

from django.db.models import F

from campaigns.compose.message.tracking.codes import LinkCodes, link_codes
from campaigns.compose.models import Campaign, LinkKey
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement import redirect
from campaigns.engagement.inbox import Inbox, store
from campaigns.engagement.targets import LinkTargets
from campaigns.engagement.visitors import Addresses
from tests.dispatch import factory
from viberdash.wsgi import application

ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
)
HOST = "go.example.com"
SHOP = "https://shop.example.com/"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def open_path(path: str, *, host: str = HOST, method: str = "GET", agent: str = ANDROID,
              address: str = "203.0.113.5", form: str = "",
              language: str = "") -> Answer:  # fmt: skip
    """The answer to a request."""
    heads: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host, "REMOTE_ADDR": address,
        "HTTP_USER_AGENT": agent, "HTTP_ACCEPT_LANGUAGE": language,
        "CONTENT_LENGTH": str(len(form)), "wsgi.input": BytesIO(form.encode()),
    }  # fmt: skip

    def start_response(status: str, headers: list[tuple[str, str]], *_more: Any) -> Any:
        heads.append((status, headers))

    body = b"".join(application(environ, start_response))
    [(status, headers)] = heads
    assert len(dict(headers)) == len(headers)
    return Answer(int(status[:3]), dict(headers), body)


def code(recipient: Recipient, number: int = 0) -> str:
    return link_codes().code(recipient.reference, number)


def click_value(recipient: Recipient, number: int = 0) -> str:
    """What vd_click says of a recipient's link."""
    row, _is_new = LinkKey.objects.get_or_create(pk=LinkKey.ONLY)
    return LinkCodes.of_clicks(bytes.fromhex(row.key)).code(recipient.reference, number)


def click(recipient: Recipient, number: int = 0, **options: Any) -> Answer:
    """Open a link of the recipient, and store it."""
    answer = open_path(f"/{code(recipient, number)}", **options)
    redirect.inbox.flush()
    return answer


def start_afresh(monkeypatch: Any) -> None:
    """As a web process that has just begun, and that stores when it is told to."""
    monkeypatch.setattr(redirect, "targets", LinkTargets())
    monkeypatch.setattr(redirect, "addresses", Addresses())
    monkeypatch.setattr(redirect, "inbox", Inbox(store, threaded=False))


def sent(people: int = 3, city: str = "Київ", **changes: Any) -> Campaign:
    """A campaign with three links whose messages were sent an hour ago."""
    contacts = factory.contact_list(f"List {Campaign.objects.count()}", people, city=city)
    texts = {
        "text": f"Hi {SHOP}a?c={{city|x}}&d={{city}}", "button_caption": "Open",
        "button_url": f"{SHOP}?utm_source=viber", "sms_sender": "Shop", "sms_text": f"{SHOP}sms",
    }  # fmt: skip
    campaign = factory.launched_to(contacts, **{**texts, **changes})
    Batch.objects.update(first_sent_at=campaign.launched_at)
    Batch.objects.update(first_sent_at=F("first_sent_at") - timedelta(hours=1))
    Recipient.objects.filter(campaign=campaign).update(
        send_state="accepted", delivery_state="delivered"
    )
    return campaign
