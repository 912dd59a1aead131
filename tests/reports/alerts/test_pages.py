"""The banner on each page, Settings - Alerts, and what else shows alerts."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from campaigns.reports.alerts import open_alerts
from campaigns.reports.alerts.kinds import KINDS
from campaigns.reports.installation.figures import load_figures
from campaigns.reports.installation.metrics import installation_metrics
from campaigns.team.alerts import records
from campaigns.team.alerts.models import Alert, AlertPost
from campaigns.team.models import Brand, Membership, OutgoingMail, Role
from tests.markup import squeezed
from tests.reports.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[3] / "docs" / "observability.md"


def make_alert(kind: str, brand: int | None = None, **columns: object) -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        **{
            "kind": kind, "brand_id": brand, "started_at": now - timedelta(minutes=10),
            "told_start_at": now, "seen_at": now, "object": str(Alert.objects.count()), **columns,
        }
    )  # fmt: skip


def signed_in(name: str, role: Role) -> Client:
    client = Client()
    client.force_login(make_user(name, role, email=f"{name}@example.com"))
    return client


def page_for(name: str, role: Role) -> str:
    return signed_in(name, role).get("/settings/alerts/").content.decode()


def banner(client: Client, address: str = "/spend/") -> str:
    open_alerts.cache_state(tuple(records.open_alerts()))
    page = client.get(address).content.decode()
    match = re.search(r'id="alert-banner">(.*?)</div>\s*</div>', page, re.DOTALL)
    text = re.sub(r"<[^>]+>", "", match[1]) if match else ""
    return " ".join(text.split())


def test_banner_names_the_worst_to_those_who_may_act() -> None:
    other = Brand.objects.create(name="Other", slug="other")
    campaign = make_campaign("Autumn", CampaignState.PAUSED, reason="error_8")
    detail = {"campaign": campaign.pk, "name": "Autumn", "reason": "error_8"}
    make_alert("campaign_paused", 1, detail=detail)
    make_alert("mail")
    make_alert("campaign_paused", other.pk, detail={**detail, "name": "Theirs"})
    make_alert("campaign_paused", 1, detail=detail, told_end_at=timezone.now())
    make_alert("queue", told_start_at=None)
    autumn = "Campaign “Autumn” is paused. BSG account is out of funds. Open ·"
    theirs = "Campaign “Theirs” is paused. BSG account is out of funds. Open ·"
    assert banner(signed_in("anna", Role.ADMINISTRATOR)) == f"{theirs} 2 more alerts"
    assert banner(signed_in("olena", Role.MARKETER)) == f"{autumn} What to do"
    assert banner(signed_in("victor", Role.VIEWER)) == ""
    ben = make_user("ben", Role.MARKETER)
    Membership.objects.create(user=ben, brand=other, role=Role.MARKETER)
    client = Client()
    client.force_login(ben)
    assert banner(client, "/b/other/spend/") == f"{theirs} What to do"
    assert banner(client) == f"{autumn} What to do"


def test_banner_links_to_the_campaign_of_its_brand() -> None:
    other = Brand.objects.create(name="Other", slug="other")
    make_alert("campaign_paused", other.pk, detail={"campaign": 7, "name": "x", "reason": "budget"})
    client = signed_in("anna", Role.ADMINISTRATOR)
    open_alerts.cache_state(tuple(records.open_alerts()))
    assert 'href="/b/other/campaigns/7/"' in client.get("/spend/").content.decode()


def test_banner_is_not_on_the_page_of_alerts() -> None:
    make_alert("queue")
    client = signed_in("anna", Role.ADMINISTRATOR)
    assert banner(client, "/settings/alerts/") == ""
    assert banner(client).startswith("No worker has ever done anything")


def test_what_has_its_own_notice_is_no_banner(monkeypatch: pytest.MonkeyPatch) -> None:
    make_alert("safe_mode", detail={"since": "2026-11-30T08:00:00+00:00"})
    user = make_user("anna", Role.ADMINISTRATOR)
    monkeypatch.setattr(open_alerts, "CACHED_FOR", 0.0)
    open_alerts.cache_state(())
    assert open_alerts.banner_for(user) is None
    make_alert("queue")
    assert open_alerts.banner_for(user) is not None


def test_page_of_those_who_run_the_installation(settings: Settings) -> None:
    settings.ALERT_WEBHOOK_URL = "https://hooks.example.com/T0/secret"
    settings.ALERT_EMAIL = ["on-call@example.com"]
    now = timezone.now()
    AlertPost.objects.create(
        body="{}", next_try_at=now, tries=1, last_error="The server answered 503."
    )
    make_alert("backup_failed", detail={"failure": "disk <full>", "at": ""})
    make_alert("mail", told_end_at=now, over_at=now - timedelta(minutes=7, seconds=30))
    text = squeezed(page_for("anna", Role.ADMINISTRATOR))
    assert "The backup of an unknown time failed: disk &lt;full&gt;" in text
    assert "Put right what the message says, and run manage.py backup." in text
    assert "2 minutes" in text
    assert "anna@example.com, on-call@example.com" in text
    assert "hooks.example.com" in text
    assert "secret" not in text
    assert "The server answered 503." in text
    assert all(str(kind.label) in text for kind in KINDS)
    assert "off: BALANCE_ALERT is not set" in text
    assert "after 5 minutes" in text


def test_page_of_a_marketer_has_the_own_brand_alone() -> None:
    make_alert("queue")
    make_alert("campaign_paused", 1, detail={"campaign": 1, "name": "Autumn", "reason": "error_8"})
    other = Brand.objects.create(name="Other", slug="other")
    make_alert("campaign_paused", other.pk, detail={"campaign": 2, "name": "Theirs"})
    text = squeezed(page_for("olena", Role.MARKETER))
    assert "Campaign “Autumn” is paused." in text
    assert "Theirs" not in text
    assert "No worker" not in text
    assert "What is watched" not in text
    assert signed_in("victor", Role.VIEWER).get("/settings/alerts/").status_code == 403


@pytest.mark.parametrize("detail", [{}, {"campaign": "x", "name": None, "amount": "NaN"}, [1], "x"])
def test_any_data_gives_a_sentence(detail: object) -> None:
    for name in (*(kind.name for kind in KINDS), "of another version"):
        make_alert(name, detail=detail)
        make_alert(name, detail=detail, told_end_at=timezone.now(), over_at=timezone.now())
    client = signed_in("anna", Role.ADMINISTRATOR)
    assert client.get("/settings/alerts/").status_code == 200
    assert banner(client)


def test_metrics_count_open_alerts() -> None:
    for columns in ({}, {}, {"told_end_at": timezone.now()}, {"told_start_at": None}):
        make_alert("disk", **columns)
    assert load_figures(timezone.now()).alerts == {"disk": 2}
    assert b'viberdash_alerts_open{kind="disk"} 2.0' in installation_metrics()


def test_documented_table_is_the_table() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| (\w+) \| [^|]+ \| ([^|]+) \|", DOCS.read_text("utf-8"), re.M
    )
    assert rows == [
        (kind.name, kind.severity.name.lower(), "after minutes" if kind.is_damped else "at once")
        for kind in KINDS
    ]


def test_old_alerts_are_removed() -> None:
    now = timezone.now()
    make_alert("queue", told_end_at=now - timedelta(days=2))
    kept = [make_alert("mail", told_end_at=now), make_alert("disk")]
    AlertPost.objects.create(body="{}", next_try_at=now)
    AlertPost.objects.update(created_at=now - timedelta(days=2))
    before = now - timedelta(days=1)
    assert [records.remove_old(before) for _time in range(3)] == [1, 1, None]
    assert set(Alert.objects.all()) == set(kept)


def test_test_alert_goes_to_all_who_are_told_and_shows_its_result(settings: Settings) -> None:
    settings.ALERT_EMAIL, settings.ALERT_WEBHOOK_URL = ["on-call@example.com"], "https://h.example"
    client = signed_in("anna", Role.ADMINISTRATOR)
    page = client.post("/settings/alerts/test", follow=True)
    assert "A test alert is being sent." in page.content.decode()
    mails = OutgoingMail.objects.order_by("address")
    assert [(mail.address, mail.subject) for mail in mails] == [
        ("anna@example.com", "ViberDash: test alert"),
        ("on-call@example.com", "ViberDash: test alert"),
    ]
    assert "A test alert, sent by anna. Nothing is wrong." in mails[0].body
    assert '"alerts": []' in AlertPost.objects.get().body
    mails.filter(address="on-call@example.com").update(last_error="550 no such user")
    text = squeezed(client.get("/settings/alerts/").content.decode())
    assert "on-call@example.com · Waiting" in text
    assert "550 no such user" in text
    assert not Alert.objects.exists()


def test_test_alert_without_anybody_to_tell_says_so(settings: Settings) -> None:
    client = Client()
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    page = client.post("/settings/alerts/test", follow=True)
    assert "Nobody is told: set ALERT_EMAIL" in page.content.decode()
    assert not OutgoingMail.objects.exists()
