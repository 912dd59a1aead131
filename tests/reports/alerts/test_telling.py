"""Who is told what, once: by e-mail and to the webhook, also when processes look at once."""

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Heartbeat
from campaigns.reports.alerts import changes, telling, watch
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.alerts.kinds import kind_of
from campaigns.reports.alerts.open_alerts import told_to
from campaigns.shared.brands.scope import MAIN
from campaigns.team import mail_delivery
from campaigns.team.alerts import posts, records
from campaigns.team.alerts.models import Alert, AlertPost, PostState
from campaigns.team.models import Brand, Membership, OutgoingMail, Role, User
from tests.file_server import FileServer, reply
from tests.reports.alerts.conftest import START, Site
from tests.reports.factories import make_campaign, make_user

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def hook(file_server: FileServer, settings: Settings) -> FileServer:
    settings.ALERT_WEBHOOK_URL = file_server.url("/hooks/T0/secret")
    file_server.pages["/hooks/T0/secret"] = lambda request: reply(request, 200, b"ok")
    return file_server


def addresses() -> list[str]:
    return sorted(OutgoingMail.objects.values_list("address", flat=True))


def test_e_mail_says_what_to_do_and_when_it_is_over(site: Site, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://viber.example.com"
    make_user("anna", Role.ADMINISTRATOR, email="anna@example.com")
    campaign = make_campaign("Autumn", CampaignState.PAUSED, reason="error_8")
    site.look(0)
    mail_delivery.deliver_due()
    Campaign.objects.update(state=CampaignState.SENDING)
    site.look(9)
    mail_delivery.deliver_due()
    first, second = mail.outbox
    assert first.to == ["anna@example.com"]
    assert first.subject == (
        "ViberDash: Critical: Campaign “Autumn” is paused. BSG account is out of funds."
    )
    assert first.body == (
        "Critical: Campaign “Autumn” is paused. BSG account is out of funds.\n"
        "What to do: Top up, then press Resume.\n"
        "Since 30 Nov, 08:00 (UTC).\n"
        f"https://viber.example.com/campaigns/{campaign.pk}/\n"
    )
    assert second.subject == "ViberDash: Over: Campaign “Autumn” is no longer paused."
    assert second.body == (
        "Over: Campaign “Autumn” is no longer paused.\n"
        "From 30 Nov, 08:00 (UTC) to 30 Nov, 08:09 (UTC).\n"
        f"https://viber.example.com/campaigns/{campaign.pk}/\n"
    )


def test_who_is_told(site: Site, settings: Settings) -> None:
    settings.ALERT_EMAIL = ["on-call@example.com"]
    other = Brand.objects.create(name="Other", slug="other")
    for name, role in (
        ("anna", Role.ADMINISTRATOR), ("olena", Role.MARKETER), ("victor", Role.VIEWER),
    ):  # fmt: skip
        make_user(name, role, email=f"{name}@example.com")
    make_user("left", Role.ADMINISTRATOR, email="left@example.com", is_active=False)
    ben = make_user("ben", Role.VIEWER, email="ben@example.com")
    Membership.objects.create(user=ben, brand=other, role=Role.MARKETER)
    make_campaign("Theirs", CampaignState.PAUSED, reason="error_8", brand=other)
    site.look(0)
    assert addresses() == ["anna@example.com", "ben@example.com", "on-call@example.com"]
    assert "/b/other/campaigns/" in OutgoingMail.objects.filter(address__startswith="ben")[0].body
    OutgoingMail.objects.all().delete()
    make_campaign("Ours", CampaignState.PAUSED, reason="error_8")
    site.look(1)
    assert addresses() == ["anna@example.com", "olena@example.com", "on-call@example.com"]
    OutgoingMail.objects.all().delete()
    records.record_failed_backup("disk full")
    site.look(2)
    assert addresses() == ["anna@example.com", "on-call@example.com"]


def test_what_happens_at_once_comes_in_one_e_mail(site: Site, settings: Settings) -> None:
    settings.ALERT_EMAIL, settings.ALERT_WEBHOOK_URL = ["a@example.com"], "http://hooks.test/"
    for number in range(telling.NAMED_MAX + 2):
        make_campaign(f"C{number}", CampaignState.PAUSED, reason="error_8")
    site.look(0)
    message, post = OutgoingMail.objects.get(), AlertPost.objects.get()
    assert message.subject == "ViberDash: 52 alerts"
    assert message.body.count("What to do") == 50
    assert message.body.endswith("\n\nAnd 2 more: see Settings, Alerts.\n")
    body = json.loads(post.body)
    assert len(body["alerts"]) == 50
    assert body["text"].endswith("\nAnd 2 more: see Settings, Alerts.")


def test_flapping_is_told_once(site: Site, settings: Settings) -> None:
    settings.ALERT_EMAIL = ["a@example.com"]
    told = Counter[str]()
    site.look(0)
    for minute in range(1, 60):  # stands for 9 minutes of 12
        site.silent = {"queue@a"} if minute % 12 < 9 else set()
        started, ended = site.look(minute)
        told += Counter(started=len(started), ended=len(ended))
    assert told == {"started": 1}
    site.silent = set()
    assert [site.look(minute)[1] for minute in range(60, 67)].count(["queue"]) == 1
    assert [message.subject for message in OutgoingMail.objects.order_by("pk")] == [
        "ViberDash: Critical: No worker has done anything since 30 Nov, 08:00 (UTC): nothing is"
        " sent or imported.",
        "ViberDash: Over: The queue works again.",
    ]


def test_short_faults_are_never_told(site: Site) -> None:
    site.look(0)
    for minute in range(1, 60):  # no sign of life for 4 minutes of 8, so late for 2
        site.silent = {"queue@a"} if minute % 8 < 4 else set()
        assert site.look(minute) == ([], [])
    site.silent = set()
    site.look(60)
    assert not Alert.objects.exists()


def test_what_nobody_watched_has_to_hold_anew(site: Site) -> None:
    site.look(0)
    site.silent = {"queue@a"}
    assert site.look(3) == ([], [])
    # the machine was off for an hour, and the queue is only starting
    assert site.look(63) == ([], [])
    assert [site.look(minute)[0] for minute in (65, 68)] == [[], ["queue"]]


def test_a_kind_that_cannot_be_looked_for_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    records.record_failed_backup("disk full")
    make_campaign("Autumn", CampaignState.PAUSED, reason="error_8")
    assert len(site.look(0)[0]) == 2
    Campaign.objects.update(state=CampaignState.SENDING)
    monkeypatch.setattr(records, "last_backups", lambda: 1 / 0)
    assert site.look(1) == ([], [f"campaign_paused campaign:{Campaign.objects.get().pk}"])
    assert "The alert backup_failed could not be looked for" in caplog.text


def test_post_to_the_webhook(site: Site, settings: Settings, hook: FileServer) -> None:
    settings.PUBLIC_BASE_URL = "https://viber.example.com"
    settings.ALERT_WEBHOOK_SECRET = SECRET
    name = "<!channel> & @all"
    campaign = make_campaign(name, CampaignState.PAUSED, reason="error_8")
    site.look(0)
    assert posts.deliver_due(5) == 1
    assert posts.deliver_due(5) == 0
    assert hook.requests == ["POST /hooks/T0/secret"]
    [body], [headers] = hook.bodies, hook.headers
    url = f"https://viber.example.com/campaigns/{campaign.pk}/"
    assert json.loads(body) == {
        "text": "Critical: Campaign “&lt;!channel&gt; &amp; @\u200ball” is paused. BSG account is"
        f" out of funds.\n{url}",
        "alerts": [
            {
                "id": Alert.objects.get().pk,
                "kind": "campaign_paused",
                "object": f"campaign:{campaign.pk}",
                "state": "started",
                "severity": "critical",
                "sentence": f"Campaign “{name}” is paused. BSG account is out of funds.",
                "what_to_do": "Top up, then press Resume.",
                "url": url,
                "started_at": "2026-11-30T08:00:00+00:00",
                "over_at": None,
            }
        ],
    }
    time = int(START.timestamp())
    message_id = f"alert_{AlertPost.objects.get().pk}"
    signed = hmac.digest(KEY, f"{message_id}.{time}.".encode() + body, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (message_id, str(time))
    assert headers["content-type"] == "application/json"
    assert AlertPost.objects.get().state == PostState.SENT


def test_post_is_repeated_for_hours(
    site: Site, hook: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    hook.pages["/hooks/T0/secret"] = lambda request: reply(request, 503, b"")
    posts.write({"text": "x"})
    tries = []
    for minute in range(10 * 60):
        site.clock.move_to(START + timedelta(minutes=minute), tick=False)
        if AlertPost.objects.filter(
            state=PostState.WAITING, next_try_at__lte=START + timedelta(minutes=minute)
        ):
            tries.append(minute)
            posts.deliver_due(5)
    assert tries == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]
    assert len(hook.requests) == 10
    post = AlertPost.objects.get()
    assert (post.state, post.last_error) == (PostState.FAILED, "The server answered 503.")
    assert "secret" not in caplog.text
    assert "webhook-signature" not in hook.headers[0]
    assert len({headers["webhook-id"] for headers in hook.headers}) == 1


def test_webhook_in_the_internal_network_has_to_be_named(
    site: Site, settings: Settings, hook: FileServer
) -> None:
    settings.INTERNAL_HOSTS = []
    posts.write({"text": "x"})
    assert posts.deliver_due(5) == 0
    assert hook.requests == []
    assert AlertPost.objects.get().last_error == (
        "The host files.test is in an internal network, which is not allowed."
    )


def test_without_a_webhook_nothing_waits(site: Site) -> None:
    posts.write({"text": "x"})
    assert not AlertPost.objects.exists()
    assert posts.deliver_due(5) == 0


@pytest.mark.parametrize("paused", [1, 8])
def test_statements_of_a_look(
    site: Site, django_assert_num_queries: DjangoAssertNumQueries, paused: int
) -> None:
    """As many with more campaigns, and none of them counts recipients or batches."""
    for number in range(paused):
        make_campaign(f"C{number}", CampaignState.PAUSED, reason="error_8")
    make_campaign("Sending", CampaignState.SENDING)
    site.look(0)
    with django_assert_num_queries(17) as statements:
        watch.look(START)
    sql = " ".join(statement["sql"] for statement in statements.captured_queries)
    assert "campaigns_recipient" not in sql
    assert "campaigns_batch" not in sql


def test_one_process_at_a_time_looks(site: Site) -> None:
    Heartbeat.objects.create(name=watch.NAME, at=START, until=START + timedelta(seconds=30))
    records.record_failed_backup("disk full")
    watch.watch()
    assert not Alert.objects.exists()
    site.clock.move_to(START + timedelta(seconds=30), tick=False)  # its process was killed
    watch.watch()
    assert Alert.objects.filter(kind="backup_failed").count() == 1
    assert Heartbeat.objects.get(name=watch.NAME).until is None


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_tell_once(settings: Settings) -> None:
    settings.ALERT_EMAIL, settings.ALERT_WEBHOOK_URL = ["a@example.com"], "http://hooks.test/"
    failed = Finding(detail={"failure": "disk full", "at": "x"})
    for findings in ([failed], list[Finding]()):
        begin, told = threading.Barrier(2), list[int]()

        def act(
            findings: list[Finding] = findings,
            begin: threading.Barrier = begin,
            told: list[int] = told,
        ) -> None:
            try:
                begin.wait()
                made = changes.apply({"backup_failed": findings}, START)
                told.append(len(made.started) + len(made.ended))
            finally:
                connection.close()

        threads = [threading.Thread(target=act) for _number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == [0, 1]
    assert [message.subject for message in OutgoingMail.objects.order_by("pk")] == [
        "ViberDash: Critical: The backup of an unknown time failed: disk full",
        "ViberDash: Over: A backup was completed.",
    ]
    assert AlertPost.objects.count() == 2
    assert Alert.objects.get().told_end_at == START


def test_a_failing_webhook_is_told_to_those_who_can_open_its_page(db: None) -> None:
    for name, role in (("marketer", Role.MARKETER), ("boss", Role.ADMINISTRATOR)):
        user = make_user(name, role)
        user.email = f"{name}@example.com"
        user.save()
    permissions = [kind_of(name).permission for name in ("campaign_paused", "webhook")]
    told = [telling.addresses_of_users(MAIN, permission) for permission in permissions]
    both = {"marketer@example.com", "boss@example.com"}
    assert told == [both, {"boss@example.com"}]
    alert = Alert(kind="webhook", brand_id=MAIN)
    users = [User.objects.get(username=name) for name in ("marketer", "boss")]
    assert [told_to(user)(alert) for user in users] == [False, True]
