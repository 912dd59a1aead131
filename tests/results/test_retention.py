"""Old data: what is deleted at night, what stays, and what Settings says of it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as site
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from campaigns.contacts.importing import rejected_rows
from campaigns.dispatch.models import Snapshot
from campaigns.dispatch.people import recipient_fields
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.models import (
    Campaign,
    CampaignState,
    CampaignTemplate,
    Contact,
    Evidence,
    Import,
    ImportState,
    OldDataRemoval,
    OutgoingMail,
    Recipient,
    RejectedRow,
    Role,
    WebPicture,
)
from campaigns.results import tasks
from campaigns.results.retention import nightly
from campaigns.results.retention.kinds import KINDS, all_kinds
from campaigns.team.models import MailState
from tests.markup import squeezed
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
NIGHT = datetime(2027, 6, 1, 3, 30, tzinfo=UTC)
PERIODS = {kind.name: kind.days for kind in KINDS}


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    """Files of other tests are none of these nights' business."""
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")


def ago(days: float) -> datetime:
    return NIGHT - timedelta(days=days)


def make_import(ended: datetime | None, rejected: int = 0) -> Import:
    state = ImportState.FINISHED if ended else ImportState.UPLOADED
    made = Import.objects.create(
        list_name="A", file_name="a.csv", state=state, finished_at=ended, rejected=rejected,
        rejected_by_reason={"too_short": rejected},
    )  # fmt: skip
    RejectedRow.objects.bulk_create(
        RejectedRow(source=made, row_number=number, row=["+380"], reason="too_short")
        for number in range(rejected)
    )
    return made


def run_night(now: datetime = NIGHT) -> dict[str, int]:
    """What was deleted, by kind."""
    with time_machine.travel(now, tick=False):
        tasks.remove_old()
        removal = OldDataRemoval.objects.get(day=now.date())
        assert removal.finished_at == now
    return dict(removal.removed)


def test_rejected_rows_go_and_their_counts_stay(client: Client) -> None:
    old, recent = make_import(ago(181), 3), make_import(ago(179), 2)
    with time_machine.travel(ago(1), tick=False):
        make_import(None, 1)  # it has not ended
    assert run_night() == {"rejected_rows": 3}
    assert set(RejectedRow.objects.values_list("source", flat=True)) == {recent.pk, recent.pk + 1}
    old.refresh_from_db()
    assert (old.rejected, old.rejected_by_reason) == (3, {"too_short": 3})
    client.force_login(make_user())
    page = client.get(f"/contacts/imports/{old.pk}/").content.decode()
    assert "The rejected rows are no longer kept." in page
    assert "rejected.csv" not in page


def test_rows_are_deleted_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejected_rows, "REMOVED_AT_ONCE", 2)
    make_import(ago(200), 3)
    make_import(ago(200), 1)
    before = ago(180)
    assert [rejected_rows.remove_old(before) for _slice in range(4)] == [2, 1, 1, None]
    assert run_night() == {}  # nothing was left


@pytest.fixture
def campaign() -> Campaign:
    """Ended two years and a day ago; of its recipients one was not reached."""
    made = make_campaign("Autumn", CampaignState.FINISHED, finished_at=ago(731))
    send(made, {("UA", "read"): 3, ("UA", "refused"): 1, ("UA", "unresolved"): 1})
    for recipient in Recipient.objects.all():
        recipient.fields = {"name": f"N{recipient.pk}"}
        recipient.save()
    Campaign.objects.update(text="Hi {name|you}")
    return made


def test_merge_fields_go_and_what_a_resend_needs_stays(campaign: Campaign) -> None:
    before = {
        row.pk: (row.msisdn, row.send_state, row.delivery_state, row.charged, row.reference)
        for row in Recipient.objects.all()
    }
    assert run_night() == {"recipient_fields": 3}
    kept = Recipient.objects.exclude(fields={})
    assert {row.send_state for row in kept} == {"refused", "unresolved"}
    assert [row.fields for row in kept] == [{"name": f"N{row.pk}"} for row in kept]
    assert before == {
        row.pk: (row.msisdn, row.send_state, row.delivery_state, row.charged, row.reference)
        for row in Recipient.objects.all()
    }
    draft = create_resend_draft(campaign, make_user(), unresolved=True)
    resent = Contact.objects.filter(list__in=draft.lists.all()).values_list("fields", flat=True)
    assert list(resent) == [row.fields for row in kept.order_by("pk")]
    assert run_night(NIGHT + timedelta(days=1)) == {}


@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.PAUSED])
def test_campaigns_under_way_keep_all(campaign: Campaign, state: CampaignState) -> None:
    Campaign.objects.update(state=state)
    assert run_night() == {}
    assert not Recipient.objects.filter(fields={}).exists()


def test_a_campaign_is_gone_through_batch_by_batch(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recipient.objects.update(send_state="accepted", delivery_state="read", final=True)
    for number, recipient in enumerate(Recipient.objects.all(), 1):
        Recipient.objects.filter(pk=recipient.pk).update(batch_number=number)
    Snapshot.objects.update(batches=5)
    monkeypatch.setattr(recipient_fields, "BATCHES_AT_ONCE", 2)
    assert [recipient_fields.remove_old(NIGHT) for _slice in range(4)] == [2, 2, 1, None]
    assert not Recipient.objects.exclude(fields={}).exists()
    assert Snapshot.objects.get().fields_removed_to == 5


def test_each_kind_has_its_own_period(
    settings: Settings,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    campaign = make_campaign(image_url="https://a.example.com/used.png")
    CampaignTemplate.objects.create(
        name="T", content={"image_url": "https://a.example.com/template.png"}
    )
    for days in (400, 1):
        with time_machine.travel(ago(days), tick=False):
            Evidence.objects.create(campaign=campaign, batch_number=1, what="odd")
            make_import(None)
            for state in (MailState.SENT, MailState.FAILED, MailState.WAITING):
                OutgoingMail.objects.create(
                    address="a@example.com", state=state, next_try_at=timezone.now(), body="Hi"
                )
            for name in ("used", "template", "unused"):
                WebPicture.objects.create(
                    address=f"https://a.example.com/{name}.png" + ("" if days > 1 else "?"),
                    file=f"pictures/{name}.png", asked_at=timezone.now(),
                )  # fmt: skip
    (tmp_path / "media" / "pictures").mkdir(parents=True)
    (tmp_path / "media" / "pictures" / "unused.png").write_bytes(b"x")
    with django_capture_on_commit_callbacks(execute=True):
        removed = run_night()
    assert removed == {
        "uploads": 1, "gateway_responses": 1, "mail": 1, "failed_mail": 1, "image_copies": 1,
    }  # fmt: skip
    assert list((tmp_path / "media" / "pictures").iterdir()) == []
    assert WebPicture.objects.count() == 5
    assert sorted(OutgoingMail.objects.values_list("state", flat=True)) == [
        "failed", "sent", "waiting", "waiting",
    ]  # fmt: skip


def test_zero_keeps_everything(settings: Settings) -> None:
    for kind in KINDS:
        setattr(settings, kind.setting, 0)
    make_import(ago(10_000), 2)
    assert run_night() == {}
    assert RejectedRow.objects.count() == 2


def test_it_is_done_once_a_night_and_continued_while_something_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_import(ago(200), 3)
    with time_machine.travel(NIGHT.replace(hour=2, minute=59), tick=False):
        tasks.remove_old()  # too early
    assert not OldDataRemoval.objects.exists()

    monkeypatch.setattr(rejected_rows, "REMOVED_AT_ONCE", 1)
    monkeypatch.setattr(nightly, "MAX_SECONDS", -1)
    for count in (1, 2, 3):
        with time_machine.travel(NIGHT + timedelta(minutes=count), tick=False):
            tasks.remove_old()
        removal = OldDataRemoval.objects.get()
        assert (removal.removed, removal.finished_at) == ({"rejected_rows": count}, None)
    monkeypatch.undo()
    assert run_night() == {"rejected_rows": 3}
    make_import(ago(200), 3)
    assert run_night() == {"rejected_rows": 3}  # the next night's
    assert run_night(NIGHT + timedelta(days=1)) == {"rejected_rows": 3}


def test_a_slice_that_fails_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    make_import(ago(200), 3)
    with monkeypatch.context() as patch:
        patch.setattr(OldDataRemoval, "save", lambda *_arguments, **_options: 1 / 0)
        with time_machine.travel(NIGHT, tick=False), pytest.raises(ZeroDivisionError):
            tasks.remove_old()
    assert RejectedRow.objects.count() == 3
    assert run_night() == {"rejected_rows": 3}


def test_settings_show_periods_oldest_rows_and_nights(client: Client) -> None:
    make_import(ago(181), 1203)
    make_import(ago(100), 2)
    run_night()
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    assert "/settings/retention/" in client.get("/settings/").content.decode()
    page = unescape(squeezed(client.get("/settings/retention/").content.decode()))
    for kind in all_kinds():
        assert str(kind.label) in page
        assert str(kind.effect) in page
    assert "180 days" in page
    assert "Rejected rows: 1,203" in page
    client.force_login(make_user("olena", Role.APPROVER))
    assert client.get("/settings/retention/").status_code == 403


def test_documents_have_the_same_table() -> None:
    text = (site.BASE_DIR / "docs" / "production.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|`]+) \| `(KEEP_[A-Z_]+)` \| (\d+) \|", text, re.MULTILINE)
    assert rows == [(str(kind.label), kind.setting, str(PERIODS[kind.name])) for kind in KINDS]
