"""After an erasure a phone stands only in the columns and files of which the docs say so."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import (
    AudienceCount,
    Campaign,
    CampaignTemplate,
    Condition,
    Label,
    Note,
    Segment,
    Series,
    SeriesRun,
    TestGroup,
)
from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.contacts.importing import uploads
from campaigns.contacts.models import (
    Consent,
    ConsentRecord,
    Contact,
    Import,
    ImportState,
    OverwrittenContact,
    Person,
    RejectedRow,
)
from campaigns.dispatch.models import Evidence, Recipient
from campaigns.dispatch.people import erase_contact, phone_columns
from campaigns.dispatch.people.phone_columns import COLUMNS, Content
from campaigns.dispatch.people.phone_texts import PhoneText
from campaigns.models import (
    ApiAnswer,
    ApiToken,
    AuditEntry,
    OutgoingMail,
    SendingHold,
    Submission,
    User,
    Webhook,
    WebhookDelivery,
)
from campaigns.reports.campaign.contact_history import held_data
from campaigns.reports.models import ReportDelivery, SavedReport
from campaigns.results.models import GatewayCheck
from tests.dispatch import factory
from tests.stored import stored

PHONE = factory.phone(0)
NATIONAL = PHONE.removeprefix("380")
SHORTEST_PHONE = 8  # digits
TEXTS = (models.CharField, models.TextField, models.JSONField, models.FileField)
FORMS = [
    PHONE,
    f"+{PHONE}",
    f"00{PHONE}",
    "+380 97 000 0000",
    "+380 (97) 000-00-00",
    "(097) 000 00 00",
    "097.000.00.00",
    "8 097 000 00 00",
    "97\u00a0000\u202f0000",
]


def can_hold_a_phone(field: Any) -> bool:
    return (
        isinstance(field, TEXTS)
        and not field.choices
        and not (field.max_length is not None and field.max_length < SHORTEST_PHONE)
    )


def test_every_text_and_json_column_has_an_entry() -> None:
    """A new column: say in phone_columns.py what becomes of a phone in it."""
    ours: list[Any] = [*apps.get_app_config("campaigns").get_models(), LogEntry]
    columns = {
        f"{model.__name__}.{field.name}"
        for model in ours
        for field in model._meta.concrete_fields
        if can_hold_a_phone(field)
    }
    assert sorted(columns - COLUMNS.keys()) == []
    assert sorted(COLUMNS.keys() - columns) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_phone_is_replaced_however_it_is_written(form: str) -> None:
    text = PhoneText(PHONE)
    assert text.replace(f"Call {form}, please") == "Call •••, please"
    assert text.replace({"a": [form, 1, None, True]}) == {"a": ["•••", 1, None, True]}
    assert text.replace([int(PHONE)]) == ["•••"]


@pytest.mark.parametrize("other", ["380970000001", "+380 97 000 00 01", "2024", "", "0 000 000"])
def test_other_numbers_stay(other: str) -> None:
    assert PhoneText(PHONE).replace(other) == other


def rows_of_every_kind(user: User, campaign: Campaign) -> None:
    """A row of each model that has a text in which the phone is replaced, or that is deleted."""
    now = timezone.now()
    report = SavedReport.objects.create(owner=user, name="x")
    source = Import.objects.create(list_name="x", state=ImportState.FINISHED)
    token = ApiToken.objects.create(owner=user, name="x", prefix="vd_x", hash="x")
    person = Person.objects.create(msisdn=factory.phone(1))
    series = Series.objects.create(name="x", first_day=now.date(), people_max=1)
    made: list[models.Model] = [
        SeriesRun(series=series, day=now.date()),
        Note(campaign=campaign, author=user, text="x"),
        SendingHold(held_at=now, released_at=now),
        TestGroup(name="Team"),
        ImportSchedule(address="https://example.com", list_name="x", owner=user, next_run_at=now),
        ConsentRecord(person=person, consent=Consent.GIVEN, recorded_at=now),
        Condition(segment=Segment.objects.create(name="x"), place=1, field="x"),
        OutgoingMail(address="o@example.com", subject="x", body="x", next_try_at=now),
        ReportDelivery(report=report, first=now, last=now, at=now, address="o@example.com"),
        GatewayCheck(),
        WebhookDelivery(
            webhook=Webhook.objects.create(address="https://a.example"), created_at=now
        ),
        LogEntry(user=user, action_flag=1, object_repr="x"),
        AudienceCount(subject="x"),
        Submission(key="x", user=user, created_at=now),
        ApiAnswer(token=token, key="x", content="x", created_at=now),
    ]
    for row in made:
        row.save()
    contact = Contact.objects.get(msisdn=PHONE)
    OverwrittenContact.objects.create(source=source, contact=contact.pk, fields={"tel": PHONE})
    RejectedRow.objects.create(source=source, row_number=1, row=[f"+{PHONE}", "x"], reason="x")
    message = Recipient.objects.get(msisdn=PHONE)
    Evidence.objects.create(
        campaign=campaign, batch_number=message.batch_number, what="x", body=f'"to": "{PHONE}"'
    )


def fill(name: str, form: str) -> None:
    model_name, field_name = name.split(".")
    label = "admin" if model_name == "LogEntry" else "campaigns"
    model = apps.get_model(label, model_name)
    is_json = isinstance(model._meta.get_field(field_name), models.JSONField)
    rows = model._default_manager.all()
    assert rows.update(**{field_name: [form] if is_json else f"about {form}"}), name


def digits_of(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return "".join(sign for sign in text if sign.isdigit())


def tables_without_a_model() -> list[str]:
    """All but those of the search index on SQLite, which has no texts: triggers keep it, as
    tests/contacts/test_search_hits.py shows.
    """
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    names = set(connection.introspection.table_names()) - known
    return sorted(name for name in names if not name.startswith("contact_search"))


def remaining() -> set[str]:
    """The columns of all tables in which digits of the phone stand, without what separates them;
    tables without a model by their name alone.
    """
    rows = stored(*apps.get_models())
    bare = set()
    with connection.cursor() as cursor:
        for table in tables_without_a_model():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            if any(NATIONAL in digits_of(row) for row in cursor.fetchall()):
                bare.add(table)
    return bare | {
        f"{model}.{column}"
        for model, by_key in rows.items()
        for row in by_key.values()
        for column, value in row.items()
        if not isinstance(value, int | float) and NATIONAL in digits_of(value)
    }


@pytest.mark.django_db
def test_after_an_erasure_the_phone_is_only_where_it_has_to_stay(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    user = User.objects.create_user("olena")
    contacts = factory.contact_list("Six", 6, tel=f"+{PHONE}")
    campaign = factory.launched_to(contacts)
    rows_of_every_kind(user, campaign)
    Contact.objects.exclude(msisdn=PHONE).update(fields={})
    Recipient.objects.exclude(msisdn=PHONE).update(fields={})
    columns = [name for name, content in COLUMNS.items() if content is Content.TEXT]
    caches = [name for name, content in COLUMNS.items() if content is Content.CACHE]
    for place, name in enumerate([*columns, *caches]):
        fill(name, FORMS[place % len(FORMS)])
    assert remaining() >= {*columns, *caches, "Contact.msisdn", "RejectedRow.row", "Evidence.body"}
    assert held_data(PHONE)["mentions"] == dict.fromkeys(columns, 1)
    waiting = uploads.store([f"+{PHONE}\n".encode()])
    Import.objects.create(list_name="x", state=ImportState.CHECKED, path=waiting)
    erased = erase_contact.erase(PHONE, user)
    assert remaining() == {"StopListEntry.msisdn"}
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(NATIONAL in digits_of(content) for content in files)
    assert NATIONAL not in digits_of(caplog.text)
    assert TestGroup.objects.get().phones == []
    assert Note.objects.get().text == "about •••"
    assert not AudienceCount.objects.exists()
    assert not Submission.objects.exists()
    assert (erased.lists, erased.messages, erased.rejected, erased.imports) == (1, 1, 1, 1)
    assert erased.mentions == 16  # a row of each of so many models
    detail = f"lists 1, messages 1, rejected rows 1, texts {erased.mentions}, imports 1"
    assert AuditEntry.objects.get(action="erased").detail == detail


@pytest.mark.django_db
def test_texts_to_everybody_and_names_stay() -> None:
    """They are not about one contact, and a message under way must not change."""
    campaign = factory.draft(factory.contact_list("Six", 6), text=f"Call +{PHONE}")
    CampaignTemplate.objects.create(name="x", content={"text": f"Call +{PHONE}"})
    Label.objects.create(name=f"Hotline {PHONE}")
    erase_contact.erase(PHONE, None)
    campaign.refresh_from_db()
    assert campaign.text == f"Call +{PHONE}"
    assert remaining() == {
        "StopListEntry.msisdn", "Campaign.text", "CampaignTemplate.content", "Label.name"
    }  # fmt: skip
    assert {COLUMNS[name] for name in remaining()} == {Content.KEPT}


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
@pytest.mark.parametrize("state", [ImportState.UPLOADED, ImportState.CHECKED])
def test_a_waiting_file_with_the_phone_goes_with_its_import(
    settings: Settings, tmp_path: Path, encoding: str, state: ImportState
) -> None:
    settings.UPLOAD_ROOT = tmp_path
    filler = "0501234567;Іван\n" * 70_000  # the phone comes in a later piece of the file
    imports = [
        Import.objects.create(list_name="x", state=state, path=uploads.store([text]))
        for text in (
            f"{filler}+380 (97) 000-00-00;Олена\n".encode(encoding),
            "097;000;0000\n0970000001\n".encode(encoding),
        )
    ]
    assert erase_contact.erase(PHONE, None).imports == 1
    states = [Import.objects.get(pk=made.pk).state for made in imports]
    assert states == [ImportState.CANCELLED, state]
    assert [path.name for path in tmp_path.iterdir()] == [imports[1].path]


@pytest.mark.django_db
def test_the_file_of_a_workbook_is_found_by_its_text(settings: Settings, tmp_path: Path) -> None:
    settings.UPLOAD_ROOT = tmp_path
    name = uploads.store([b"PK\x03\x04 packed"])
    (tmp_path / f"{name}.text").write_text(f"{PHONE}\n")
    Import.objects.create(list_name="x", state=ImportState.CHECKED, path=name)
    assert erase_contact.erase(PHONE, None).imports == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_phone_that_is_nowhere_changes_no_text() -> None:
    Note.objects.create(campaign=factory.draft(), text=f"Call {factory.phone(1)}")
    assert phone_columns.erase_mentions(PhoneText(PHONE)) == 0
    assert Note.objects.get().text == f"Call {factory.phone(1)}"
