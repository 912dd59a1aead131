"""What is stored of a click, and whose it is taken to be."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection

from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement import inbox as inboxes
from campaigns.engagement import redirect
from campaigns.engagement.inbox import Inbox, _patiently, store
from campaigns.engagement.models import Click
from campaigns.engagement.spool import LEFT_AFTER, OpenedAt, Spool
from campaigns.engagement.visitors import Addresses, device_of, is_bot
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes.models import Change, WantedKind
from tests.engagement.visits import ANDROID, SHOP, click, code, open_path, sent

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605"


def one(recipient: Recipient) -> tuple[str, str, str]:
    return Click.objects.values_list("machine", "device", "system").get(recipient=recipient)


@pytest.mark.django_db
def test_click_of_a_person_is_stored_without_their_address() -> None:
    campaign = sent()
    recipient = Recipient.objects.order_by("pk")[0]
    with time_machine.travel(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), tick=False):
        click(recipient, 1)
    [row] = Click.objects.values()
    stored = dict[str, Any](row)
    assert 0 <= stored.pop("id") < 2**63
    assert stored == {
        "campaign_id": campaign.pk, "recipient_id": recipient.pk, "number": 1,
        "at": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "machine": "", "device": "phone",
        "system": "android",
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "machine"),
    [
        ({"method": "HEAD"}, "head"),
        ({"agent": "Viber"}, "bot"),
        ({"agent": "WhatsApp/2.23.20.0"}, "bot"),
        ({"agent": "TelegramBot (like TwitterBot)"}, "bot"),
        ({"agent": "facebookexternalhit/1.1"}, "bot"),
        ({"agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "bot"),
        ({"agent": "curl/8.5.0"}, "bot"),
        ({"agent": ""}, "bot"),
        ({"agent": IPHONE}, ""),
        ({"agent": MAC}, ""),
    ],
)  # fmt: skip
def test_machines_are_told_from_people(options: dict[str, Any], machine: str) -> None:
    sent(1)
    recipient = Recipient.objects.get()
    assert click(recipient, **options).status == 302
    assert one(recipient)[0] == machine


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "machine"), [(-60, "early"), (0.9, "early"), (1.1, "")])
def test_click_within_a_second_of_the_send_is_a_machines(seconds: float, machine: str) -> None:
    """Also one that a clock that jumped back lets come before it."""
    sent(1)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    Batch.objects.update(first_sent_at=at)
    with time_machine.travel(at + timedelta(seconds=seconds), tick=False):
        click(recipient := Recipient.objects.get())
    assert one(recipient)[0] == machine


@pytest.mark.django_db
def test_gateway_that_waits_sends_at_the_scheduled_time() -> None:
    campaign = sent(1)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    type(campaign).objects.update(timing="gateway", scheduled_at=at)
    for hours, machine in ((-1, "early"), (1, "")):
        with time_machine.travel(at + timedelta(hours=hours), tick=False):
            click(Recipient.objects.get())
        assert Click.objects.order_by("-at")[0].machine == machine


def test_an_address_that_opens_links_of_many_is_a_machine() -> None:
    addresses, at = Addresses(), datetime(2030, 1, 1, tzinfo=UTC)
    assert [addresses.opens_many(b"a", number, at) for number in range(22)] == [
        *[False] * 20, True, True,
    ]  # fmt: skip
    assert not addresses.opens_many(b"b", 1, at)
    assert not addresses.opens_many(b"a", 1, at + timedelta(seconds=11))
    # one person who opens a link again and again
    assert not any(addresses.opens_many(b"c", 1, at) for _click in range(100))


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (ANDROID, ("phone", "android")),
        (ANDROID.replace(" Mobile", ""), ("tablet", "android")),
        (IPHONE, ("phone", "ios")),
        (IPHONE.replace("iPhone", "iPad"), ("tablet", "ios")),
        (MAC, ("desktop", "macos")),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", ("desktop", "windows")),
        ("Mozilla/5.0 (X11; Linux x86_64)", ("desktop", "linux")),
        ("Something", ("", "")),
    ],
)
def test_coarse_device(agent: str, device: tuple[str, str]) -> None:
    assert device_of(agent) == device


def test_a_browser_is_no_bot() -> None:
    assert not is_bot(ANDROID)


@pytest.mark.django_db
def test_a_click_that_is_stored_twice_is_one() -> None:
    sent(1)
    recipient = Recipient.objects.get()
    opened = OpenedAt(5, recipient.campaign_id, recipient.pk, 0, datetime(2030, 1, 1, tzinfo=UTC),
                      is_head=False, user_agent=ANDROID, opens_many=False)  # fmt: skip
    store([opened])
    store([opened])
    assert Click.objects.count() == 1


def test_what_can_not_be_stored_waits_in_order() -> None:
    kept: list[Any] = []
    broken = True

    def keep(opened: list[Any]) -> None:
        if broken:
            raise DatabaseError
        kept.extend(opened)

    inbox: Any = Inbox(keep, threaded=False)
    for number in range(3):
        inbox.put(number)
    with pytest.raises(DatabaseError):
        inbox.flush()
    inbox.put(3)
    broken = False
    inbox.flush()
    assert kept == [0, 1, 2, 3]


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "WAITING_MAX", 2)
    kept: list[Any] = []
    inbox: Any = Inbox(kept.extend, threaded=False)
    for number in range(5):
        inbox.put(number)
    inbox.flush()
    assert kept == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_a_thread_stores_what_was_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    sent(1)
    monkeypatch.setattr(inboxes, "EVERY", 0)
    stored = threading.Event()

    def keep(opened: list[OpenedAt]) -> None:
        store(opened)
        connection.close()  # before the test may end
        stored.set()

    monkeypatch.setattr(inboxes, "close_old_connections", lambda: None)

    monkeypatch.setattr(redirect, "inbox", Inbox(keep))
    open_path(f"/{code(Recipient.objects.get())}")
    assert stored.wait(20)
    assert Click.objects.count() == 1


@pytest.mark.django_db
def test_webhooks_are_told_of_people_alone() -> None:
    campaign = sent(2)
    one_recipient, other = Recipient.objects.order_by("pk")
    click(one_recipient)
    assert Change.objects.count() == 0  # nobody wants it
    WantedKind.objects.create(brand_id=MAIN, kind="message.clicked")
    click(one_recipient, 1)
    click(other, 1, agent="Viber")
    [change] = Change.objects.all()
    assert (change.kind, change.object_id, change.messages) == (
        "message.clicked", campaign.pk, [one_recipient.pk]
    )  # fmt: skip
    assert change.facts == {"link": {"number": 1, "target": f"{SHOP}a?c={{city|x}}&d={{city}}"}}


@pytest.mark.django_db
def test_what_a_killed_process_wrote_down_is_stored_by_another(tmp_path: Path) -> None:
    sent(1)
    recipient = Recipient.objects.get()
    opened = OpenedAt(7, recipient.campaign_id, recipient.pk, 0, datetime(2030, 1, 1, tzinfo=UTC),
                      is_head=False, user_agent=ANDROID, opens_many=False)  # fmt: skip
    killed = Inbox(store, Spool(tmp_path), threaded=False)
    killed.put(opened)
    killed.write()
    [file] = tmp_path.iterdir()
    other = Inbox(store, Spool(tmp_path), threaded=False)
    other.store_left()
    assert Click.objects.count() == 0  # it may still be at work
    old = file.stat().st_mtime - LEFT_AFTER - 1
    os.utime(file, (old, old))
    torn = tmp_path / "0.json"  # the first in order
    torn.write_text('[{"id": 8')
    os.utime(torn, (old, old))
    other.store_left()
    names = [path.name for path in tmp_path.iterdir()]
    assert (Click.objects.get().pk, names) == (7, ["0.unreadable"])
    killed.flush()  # it was not dead after all
    assert Click.objects.count() == 1


@pytest.mark.django_db
def test_whatever_fails_the_thread_goes_on() -> None:
    def fail() -> None:
        raise RuntimeError

    assert _patiently(fail) is False
    assert _patiently(lambda: None) is True


def test_files_are_deleted_once_their_clicks_are_stored(tmp_path: Path) -> None:
    kept: list[Any] = []
    inbox = Inbox(kept.extend, Spool(tmp_path), threaded=False)
    opened = OpenedAt(7, 1, 1, 0, datetime(2030, 1, 1, tzinfo=UTC), is_head=True, user_agent="",
                      opens_many=False)  # fmt: skip
    inbox.put(opened)
    inbox.flush()
    assert (kept, list(tmp_path.iterdir())) == ([opened], [])
    inbox = Inbox(kept.extend, Spool(Path(os.devnull)), threaded=False)
    inbox.put(opened)
    inbox.flush()  # without files
    assert kept == [opened, opened]
