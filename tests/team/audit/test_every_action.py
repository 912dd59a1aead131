"""Every form, every file and every command leaves an entry in the trail, in the transaction of what
it records, or stands here with the reason why not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import get_commands, load_command_class
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from campaigns.models import (
    AuditEntry,
    Campaign,
    CampaignTemplate,
    Import,
    ImportSchedule,
    ImportState,
    Role,
    Sender,
    User,
)
from campaigns.shared.brands.scope import MAIN
from campaigns.team.audit.commands import RecordedCommand
from tests.addresses.rows import FIRST, IMPORTED, PHONE, REHEARSAL, make_rows
from tests.brand_keys import ENCRYPTION_KEY
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
DRAFT, FINISHED, AWAITING, SCHEDULED, SENDING, PAUSED, CANCELLED = range(FIRST, FIRST + 7)
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Form:
    """A form to post: the action that is recorded, the row or phone of the address, the fields."""

    action: str
    pk: int | str = FIRST
    data: Mapping[str, Any] = field(default_factory=dict)
    phone: str = PHONE


FORMS = {
    # contacts
    "list-edit": Form("edited", data={"name": "Renamed"}),
    "list-types": Form("edited", FIRST + 1, {"type_сума": "text"}),
    "list-public": Form("offered", data={"is_offered": "on", "name": "News"}),
    "list-sign-up": Form("sign-up set", data={"wording": "I agree.", "trigger": str(FIRST)}),
    "list-delete": Form("deleted", FIRST + 1),
    "list-copy": Form("contacts added", data={"name": "Copy"}),
    "list-add": Form("added", data={"phone": "0971234567"}),
    "list-paste": Form("contacts added", data={"phones": "0971234567", "country": "UA"}),
    "contact-edit": Form("edited", data={"tag_city": "Lviv", "seen_city": "Київ"}),
    "contact-remove": Form("removed"),
    "contact-stop": Form("stopped"),
    "person-edit": Form("edited", data={"language": "uk", "seen_language": ""}),
    "person-stop": Form("stopped"),
    "person-erase": Form("erased", phone="380970000009"),
    "stop-list": Form("stopped", data={"phones": "0971234567", "country": "UA"}),
    "stop-lift": Form("lifted"),
    "stop-proposals": Form("stopped", data={"decision": "stop", "proposal": FIRST}),
    "stop-proposals-setting": Form("set", data={"failures": "5"}),
    "import-paste": Form("uploaded", data={"rows": "0971234567", "name": "New", "country": "UA"}),
    "import-address": Form(
        "uploaded", data={"address": "https://example.com/a.csv", "name": "New", "country": "UA"}
    ),
    "import-start": Form("imported", "checked"),
    "import-cancel": Form("cancelled", "checked"),
    "import-schedule-pause": Form("paused"),
    "import-schedule-resume": Form("resumed", FIRST + 1),
    "import-schedule-run": Form("run"),
    "import-schedule-delete": Form("deleted"),
    # drafts
    "campaign-autosave-new": Form("created", data={"name": "Spring"}),
    "campaign-duplicate": Form("created", FINISHED),
    "campaign-delete": Form("deleted", DRAFT),
    "campaign-return": Form("returned", AWAITING, {"note": "Shorter, please"}),
    "campaign-labels": Form("labelled", data={"name": "Autumn"}),
    "campaign-note": Form("noted", data={"text": "Ask Olena"}),
    "note-delete": Form("unnoted"),
    "campaign-archive": Form("archived", FINISHED),
    "campaign-unarchive": Form("unarchived", CANCELLED),
    "template-save": Form("created", DRAFT, {"name": "Sale"}),
    "template-lock": Form("locked", "template", {"locked": "text"}),
    "template-delete": Form("deleted", "template"),
    "picture-rename": Form("renamed", data={"title": "White"}),
    "picture-delete": Form("deleted"),
    "segment-duplicate": Form("created"),
    "segment-delete": Form("deleted"),
    # sending
    "campaign-pause": Form("paused", SENDING),
    "campaign-resume": Form("resumed", PAUSED),
    "campaign-cancel": Form("cancelled", SENDING),
    "campaign-resend": Form("again", FINISHED),
    "campaign-hours": Form("hours", SENDING, {"sends_from": "09:00", "sends_until": "21:00"}),
    "hold": Form("held sending", data={"note": "Wrong price"}),
    "campaign-follow-up": Form("created", FINISHED, {"who": "not_read", "hours": "24"}),
    "campaign-budget": Form("budget", SENDING, {"amount": "100"}),
    "rehearsal-clear": Form("deleted", REHEARSAL),
    # settings
    "sender-list": Form("added", data={"name": "Shop"}),
    "sender-delete": Form("removed", "sender"),
    "label-list": Form("added", data={"name": "Autumn", "colour": "blue"}),
    "label-edit": Form("edited", data={"name": "Autumn", "colour": "blue"}),
    "label-delete": Form("deleted"),
    "test-groups": Form("added", data={"name": "We", "phones": "0971234567"}),
    "test-group-delete": Form("removed"),
    "consent-setting": Form("set", data={"needs_consent": "on"}),
    "approval-limits": Form("set", data={"currency": "EUR", "amount": "10"}),
    "approval-limit-delete": Form("removed"),
    "frequency-cap": Form("set", data={"messages": "3", "days": "7"}),
    "frequency-cap-remove": Form("removed"),
    "campaign-cap": Form("frequency cap", DRAFT, {"cap": "none"}),
    "month-budgets": Form("set", data={"currency": "EUR", "amount": "10"}),
    "month-budget-delete": Form("removed"),
    "user-budget-delete": Form("removed"),
    "corrections": Form(
        "correction", data={"channel": "viber", "amount": "1", "currency": "EUR", "note": "Refund"}
    ),
    "saved-report-new": Form("saved", data={"name": "Mine", "rhythm": "never", "kind": "csv"}),
    "saved-report-delete": Form("deleted"),
    "saved-report-resume": Form("resumed"),
    "gateway-check-list": Form("started", data={"token": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}),
    "brand-list": Form("created", data={"name": "Toys"}),
    "token-list": Form("created", data={"name": "Shop", "scopes": "view", "days": "90"}),
    "token-revoke": Form("revoked"),
    "brand-rename": Form("renamed", MAIN, {"name": "Toys"}),
    "brand-key": Form("API key set", MAIN, {"api_key": "live_key_of_toys_0001"}),
    "alert-test": Form("test alert sent"),
    "webhook-list": Form(
        "created", data={"address": "https://example.com/", "kinds": "message.read"}
    ),
    "webhook": Form("edited", data={"address": "https://example.com/", "kinds": "message.read"}),
    "webhook-switch": Form("switched off", data={"on": "0"}),
    "webhook-secret": Form("secret shown"),
    "webhook-rotate": Form("secret replaced", data={"hours": "24"}),
    "webhook-test": Form("test event"),
    "webhook-resend": Form("resent"),
    "webhook-delete": Form("deleted"),
    "trigger-new": Form(
        "created",
        data={"event": "order.left", "people_max": "9", "person_max": "1", "wait_max": "1"},
    ),
    "trigger-detail": Form("edited", data={"people_max": "9", "person_max": "1", "wait_max": "1"}),
    "series-new": Form(
        "created",
        data={"repeat": "daily", "at": "10:00", "first_day": "2027-01-01", "people_max": "9"},
    ),
    "series-plan": Form(
        "edited",
        data={"repeat": "daily", "at": "10:00", "first_day": "2027-01-01", "people_max": "9"},
    ),
    "series-end": Form("ended"),
    "trigger-skip": Form("skipped"),
    "trigger-end": Form("ended"),
    # users
    "account": Form("edited", data={"first_name": "Olena", "time_zone": "Europe/Kyiv"}),
    "account_change_password": Form(
        "password changed",
        data={"oldpassword": PASSWORD, "password1": f"{PASSWORD} 2", "password2": f"{PASSWORD} 2"},
    ),
    "account_logout": Form("signed out"),
    "sessions-end": Form("sessions ended"),
    "session-end": Form("session ended"),
    "member-list": Form("invited", data={"username": "petro", "role": "marketer"}),
    "member-role": Form("role changed", data={"role": "viewer"}),
    "member-close": Form("closed"),
    "member-reopen": Form("reopened", "closed"),
    "member-sign-out": Form("signed out everywhere"),
    "member-link": Form("invited again", "invited"),
    "mail-resend-all": Form("resent"),
    "mail-resend": Form("resent"),
    "mail-discard": Form("discarded"),
}
READS = "asks or shows something, and changes nothing"
STEP = "a step of an import before its start, which is recorded as its upload is"
# A long form, or one that needs a gateway, a file or a link: this test asserts its entry.
ELSEWHERE = {
    "member-factor": "tests/team/test_factors.py",
    "mfa_activate_totp": "tests/team/test_factors.py",
    "mfa_add_webauthn": "tests/team/test_factors.py",
    "mfa_authenticate": "tests/team/test_factors.py",
    "mfa_deactivate_totp": "tests/team/test_factors.py",
    "mfa_edit_webauthn": "tests/team/test_factors.py",
    "mfa_generate_recovery_codes": "tests/team/test_factors.py",
    "mfa_login_webauthn": "tests/team/test_factors.py",
    "mfa_remove_webauthn": "tests/team/test_factors.py",
    "account_reauthenticate": "tests/team/test_fresh.py",
    "mfa_reauthenticate": "tests/team/test_factors.py",
    "mfa_reauthenticate_webauthn": "tests/team/test_factors.py",
    "account_login": "tests/team/audit/test_entries.py",
    "account_reset_password": "tests/team/audit/test_entries.py",
    "account_reset_password_from_key": "tests/team/audit/test_entries.py",
    "campaign-new": "tests/compose/test_draft_views.py",
    "campaign-edit": "tests/compose/test_draft_views.py",
    "campaign-autosave": "tests/compose/test_autosave.py",
    "segment-new": "tests/compose/test_segments.py",
    "segment-edit": "tests/compose/test_segments.py",
    "campaign-launch": "tests/compose/test_launching.py",
    "campaign-approve": "tests/compose/test_approval.py",
    "campaign-time": "tests/compose/test_taken_back.py",
    "campaign-test": "tests/compose/test_launching.py",
    "campaign-variant": "tests/results/test_variant_views.py",
    "campaign-rehearse": "tests/compose/test_launching.py",
    "rehearsal-live": "tests/compose/test_launching.py",
    "confirm-restore": "tests/team/test_safe_mode.py",
    "hold-release": "tests/dispatch/test_hold_switch.py",
    "confirm-account": "tests/team/test_accounts.py",
    "brand-key-remove": "tests/team/brands/test_keys.py",
    "brand-logo": "tests/engagement/test_logos.py",
    "brand-logo-remove": "tests/engagement/test_logos.py",
    "import-undo": "tests/contacts/test_undo_views.py",
    "import-schedule-new": "tests/contacts/test_schedule_views.py",
    "picture-add": "tests/team/audit/test_every_action.py",
    "picture-upload": "tests/team/audit/test_every_action.py",
    "import-new": "tests/team/audit/test_every_action.py",
    "trigger-on": "tests/compose/triggers/test_pages.py",
    "trigger-off": "tests/compose/triggers/test_pages.py",
    "series-on": "tests/compose/series/test_pages.py",
    "series-off": "tests/compose/series/test_pages.py",
    "series-skip": "tests/compose/series/test_pages.py",
    "statistics-files": "tests/results/test_file_trial.py",
}
UNRECORDED = {
    "campaign-preview": READS,
    "campaign-figures": READS,
    "campaign-present": "says every 30 seconds that a page is open",
    "segment-count": READS,
    "gateway-check": READS,
    "import-layout": STEP,
    "import-columns": STEP,
    "import-back": STEP,
}
COMMANDS = {
    "run": "starts the processes below",
    "worker": "a process of the system itself",
    "sweep": "a process of the system itself",
    "sandbox_gateway": "has no database",
}


@pytest.fixture
def boss(settings: Settings, tmp_path: Path) -> User:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    settings.KEY_ENCRYPTION_KEYS = [ENCRYPTION_KEY]
    settings.ALERT_EMAIL = ["on-call@example.com"]
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    boss.set_password(PASSWORD)
    boss.save()
    return boss


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        elif entry.app_name not in ("admin", "ninja"):  # the API: tests/api
            yield from patterns(entry)


def url_of(pattern: URLPattern, given: Mapping[str, Any]) -> str:
    """The address of a pattern with those of `given` that it takes."""
    return reverse(
        str(pattern.name), kwargs={name: given[name] for name in pattern.pattern.converters}
    )


@pytest.fixture
def depths() -> Iterator[list[tuple[str, int]]]:
    """Of each new entry: its action, and how many transactions stand around it."""
    seen: list[tuple[str, int]] = []

    def note(instance: AuditEntry, created: bool, **_signal: object) -> None:
        seen.append((instance.action, len(connection.atomic_blocks)))

    post_save.connect(note, sender=AuditEntry)
    yield seen
    post_save.disconnect(note, sender=AuditEntry)


def test_every_form_leaves_an_entry_in_its_transaction(
    boss: User, client: Client, depths: list[tuple[str, int]]
) -> None:
    imports = make_rows(boss)[-len(IMPORTED) :]
    known: dict[str, int] = dict(zip(IMPORTED, imports, strict=True)) | rows_of_other_kinds()
    wrong = []
    for pattern in patterns(get_resolver()):
        name = str(pattern.name)
        if name in UNRECORDED | ELSEWHERE or not pattern.name or "path" in str(pattern.pattern):
            continue
        form = FORMS.get(name, Form(""))
        given = {"pk": known.get(str(form.pk), form.pk), "msisdn": form.phone}
        given |= {"step": "ask", "token": "x"}
        with transaction.atomic():
            client.force_login(boss)
            depths.clear()
            depth = len(connection.atomic_blocks)
            answer = client.post(url_of(pattern, given), form.data)
            transaction.set_rollback(True)
        if not form.action:
            if answer.status_code != 405:
                wrong.append(f"{name}: takes forms, and stands nowhere here")
        elif form.action not in dict(depths):
            wrong.append(f"{name}: no entry, {answer.status_code} {depths}")
        elif any(found <= depth for _action, found in depths):
            wrong.append(f"{name}: outside a transaction {depths}")
    assert wrong == [], "\n".join(wrong)


def rows_of_other_kinds() -> dict[str, int]:
    """Rows in further states. The ids of those that have no fixed one."""
    Campaign.objects.filter(pk=CANCELLED).update(archived_at=timezone.now())
    schedule = ImportSchedule.objects.get(pk=FIRST)
    schedule.pk, schedule.paused = FIRST + 1, True
    schedule.save(force_insert=True)
    invited = make_user("invited")
    invited.set_unusable_password()
    invited.save()
    return {
        "closed": make_user("closed", is_active=False).pk,
        "invited": invited.pk,
        "template": CampaignTemplate.objects.get().pk,
        "sender": Sender.objects.create(name="Unused").pk,
    }


def test_reasons_name_addresses_that_exist_and_tests_that_look_at_the_trail() -> None:
    names = {pattern.name for pattern in patterns(get_resolver())}
    assert {*FORMS, *ELSEWHERE, *UNRECORDED} <= names
    for path in set(ELSEWHERE.values()):
        assert "AuditEntry" in Path(path).read_text(encoding="utf-8"), path


def test_every_file_leaves_an_entry(boss: User, client: Client) -> None:
    make_rows(boss)
    finished = Import.objects.get(state=ImportState.FINISHED, address="")
    client.force_login(boss)
    taken, wrong = 0, []
    for pattern in patterns(get_resolver()):
        if not pattern.name or "path" in str(pattern.pattern):
            continue
        pk = finished.pk if "imports/" in str(pattern.pattern) else FIRST
        given = {"pk": pk, "msisdn": PHONE, "uidb36": "1", "key": "x", "step": "ask", "token": "x"}
        url = url_of(pattern, given)
        if pattern.name == "account_logout":
            continue
        before = AuditEntry.objects.filter(action="exported").count()
        answer = client.get(url)
        if "attachment" in answer.headers.get("Content-Disposition", ""):
            taken += 1
            if AuditEntry.objects.filter(action="exported").count() != before + 1:
                wrong.append(url)
        if answer.streaming:
            b"".join(answer)
        if hasattr(answer, "file_to_stream") and answer.file_to_stream:
            answer.file_to_stream.close()  # not the answer, which would close the connection
    assert wrong == [], "\n".join(wrong)
    assert taken == 13
    newest = AuditEntry.objects.filter(subject=f"contactlist:{FIRST}", action="exported").first()
    assert newest
    assert (newest.actor, newest.role, newest.address) == (boss, "administrator", "127.0.0.1")


def test_every_upload_leaves_an_entry(boss: User, client: Client) -> None:
    client.force_login(boss)
    file = SimpleUploadedFile("people 380971234567.csv", b"phone\n0971234567\n")
    client.post(reverse("import-new"), {"file": file, "name": "New", "country": "UA"})
    picture = BytesIO()
    Image.new("RGB", (400, 400)).save(picture, "PNG")
    for name in ("picture-add", "picture-upload"):
        upload = SimpleUploadedFile("grey.png", picture.getvalue())
        client.post(reverse(name), {"picture": upload})
    entries = AuditEntry.objects.order_by("pk").values_list("action", "detail")
    assert list(entries) == [
        ("uploaded", "people 380…67.csv"), ("uploaded", "grey"), ("uploaded", "grey"),
    ]  # fmt: skip


def test_every_command_is_recorded() -> None:
    ours = {name for name, app in get_commands().items() if app == "campaigns"}
    recorded = {
        name for name in ours if isinstance(load_command_class("campaigns", name), RecordedCommand)
    }
    assert ours - recorded == COMMANDS.keys()


def test_changes_in_the_admin_are_recorded(boss: User, client: Client) -> None:
    client.force_login(boss)
    client.post("/admin/campaigns/sender/add/", {"name": "Shop", "brand": MAIN})
    sender = Sender.objects.get()
    client.post(
        f"/admin/campaigns/sender/{sender.pk}/change/",
        {"name": "Store", "brand": MAIN, "initial-brand": MAIN},
    )
    client.post(f"/admin/campaigns/sender/{sender.pk}/delete/", {"post": "yes"})
    entries = AuditEntry.objects.filter(subject=f"sender:{sender.pk}").order_by("pk")
    assert list(entries.values_list("action", "detail")) == [
        ("added", "Shop"), ("edited", "Sender"), ("deleted", "Store"),
    ]  # fmt: skip
