"""Consents in a file, chosen on the page of its columns, by a command or by a schedule."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from campaigns.contacts import tasks
from campaigns.contacts.consent import wordings
from campaigns.contacts.models import Import, Person
from tests.contacts.test_import_views import _upload

pytestmark = pytest.mark.django_db
Write = Callable[..., Path]
ROWS = [
    ["phone", "Згода", "Дата згоди"],
    ["0972920283", "так", "05.01.2026"],
    ["0501234567", "ні", "06.01.2026"],
    ["0671112233", "може", "06.01.2026"],
]
EVERYBODY = {
    "consent-use": "everybody", "consent-day": "2026-01-05", "consent-source": "shop",
    "consent-wording": "I agree.",
}  # fmt: skip


def choose(client: Client, made: Import, **changes: str) -> dict[str, list[str]]:
    """Post the columns as proposed, and the section of consent; returns its errors."""
    page = client.get(made.get_absolute_url())
    posted: dict[str, str] = {}
    for form in (page.context["form"], page.context["consent_form"]):
        posted |= {form.add_prefix(name): form[name].value() or "" for name in form.fields}
    answer = client.post(reverse("import-columns", args=[made.pk]), posted | changes)
    made.refresh_from_db()
    return dict(answer.context["consent_form"].errors) if answer.context else {}


def test_columns_of_consent_from_the_upload_to_the_report(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(ROWS))
    form = signed_in.get(made.get_absolute_url()).context["consent_form"]
    assert not form.is_open
    assert (form["consent_column"].value(), form["day_column"].value()) == ("1", "2")
    assert choose(signed_in, made, **{"consent-use": "column", "consent-source": "shop"}) == {}
    assert made.mapping["consent"] == {
        "columns": {"consent": 1, "day": 2}, "day": "", "source": "shop", "wording": "",
        "day_format": "day_first",
    }  # fmt: skip
    tasks.check(made.pk)
    made.refresh_from_db()
    assert made.checked["consents"] == {"given": 1, "withdrawn": 1, "unread": 1}
    assert signed_in.get(made.get_absolute_url()).context["consents"] == [
        ("Consent will be recorded", 1),
        ("Withdrawal will be recorded, phone to the stop list", 1),
        ("Not readable, will be imported without it", 1),
    ]
    assert not Person.objects.exists()
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    made.refresh_from_db()
    assert made.consents == made.checked["consents"]
    page = signed_in.get(made.get_absolute_url())
    assert page.context["consents"][1] == ("Withdrawal recorded, phone on the stop list", 1)
    assert page.context["has_rejected_rows"]
    rejected = signed_in.get(reverse("import-rejected-csv", args=[made.pk]))
    assert "Consent is neither yes nor no" in b"".join(rejected).decode()
    undo = signed_in.get(reverse("import-undo", args=[made.pk])).content.decode()
    assert "Phones that the import put on the stop list stay there." in undo


def test_a_later_file_proposes_columns_but_not_everybody(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(ROWS))
    choose(signed_in, made, **{"consent-use": "column", "consent-source": "shop"})
    tasks.check(made.pk)
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    made.refresh_from_db()
    later = _upload(signed_in, write(ROWS), into=made.list_id or 0, name="")
    assert later.mapping["consent"] == made.mapping["consent"]
    choose(signed_in, later, **EVERYBODY)
    tasks.check(later.pk)
    signed_in.post(reverse("import-start", args=[later.pk]))
    tasks.run_import(later.pk)
    last = _upload(signed_in, write(ROWS), into=made.list_id or 0, name="")
    assert last.mapping["consent"] is None


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"consent-use": "column", "consent-consent_column": ""}, ["consent_column"]),
        ({"consent-use": "everybody", "consent-day_column": ""}, ["source", "day"]),
        ({**EVERYBODY, "consent-day": "2999-01-01"}, ["day"]),
        (
            {
                "consent-use": "column", "consent-day_column": "1",
                "consent-consent_column": "1", "consent-source": "x",
            },
            ["consent_column"],
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_asked_for(
    signed_in: Client, write: Write, changes: dict[str, str], errors: list[str]
) -> None:
    made = _upload(signed_in, write(ROWS))
    assert list(choose(signed_in, made, **changes)) == errors
    assert made.state == "uploaded"


def test_a_wording_is_chosen_or_typed(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(ROWS))
    known = wordings.store("Send me news.", made)
    assert known
    chosen = {"consent-known_wording": str(known.pk)}
    assert choose(signed_in, made, **EVERYBODY, **chosen) == {
        "wording": ["Choose a wording above or enter one here, not both."]
    }
    assert choose(signed_in, made, **EVERYBODY | {"consent-wording": ""}, **chosen) == {}
    assert made.mapping["consent"]["wording"] == "Send me news."


def test_no_choice_imports_no_consent(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(ROWS))
    choose(signed_in, made)
    assert made.mapping["consent"] is None
    tasks.check(made.pk)
    made.refresh_from_db()
    assert "consents" not in made.checked


def run_command(*arguments: str) -> str:
    out = StringIO()
    call_command("import_contacts", *arguments, "--list", "Clients", stdout=out)
    return out.getvalue()


def test_command_imports_consents(write: Write) -> None:
    path = str(write(ROWS))
    options = ["--consent-column", "Згода", "--consent-day-column", "C", "--consent-source", "shop"]
    report = json.loads(run_command(path, *options, "--json"))
    assert report["consents"] == {"given": 1, "withdrawn": 1, "unread": 1}
    lines = run_command(path, *options).splitlines()
    assert "consents, unchanged: 2" in lines
    assert str(Person.objects.get(msisdn="380972920283").consent_on) == "2026-01-05"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--consent-day", "2026-01-05"], "Give --consent-everybody or --consent-column too."),
        (["--consent-everybody", "--consent-source", "shop"], "Enter the day on which they agreed"),
        (["--consent-column", "Q", "--consent-source", "shop"], "There is no column “Q”"),
    ],
)
def test_command_names_what_is_wrong(write: Write, options: list[str], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        run_command(str(write(ROWS)), *options)
    assert not Import.objects.exists()
