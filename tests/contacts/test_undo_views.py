"""The page of an import says whether it can be undone and what the undo did; a page asks first."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.contacts import tasks
from campaigns.contacts.importing import lifecycle as import_lifecycle
from campaigns.contacts.importing import runner as import_runner
from campaigns.contacts.models import Contact, Import, ImportState, ImportUndo
from campaigns.contacts.undo import lifecycle
from campaigns.team.models import AuditEntry

pytestmark = pytest.mark.django_db
Write = Callable[..., Path]


@pytest.fixture
def imported(write: Write) -> Import:
    """Two contacts; then one of them gets another name, and one comes."""
    for file, rows in (
        ("first.csv", [["380671110001", "a"], ["380671110002", "b"]]),
        ("second.csv", [["380671110002", "B"], ["380671110003", "c"]]),
    ):
        path = write([["phone", "name"], *rows], file)
        made = import_lifecycle.create_queued_import(path, "Clients", "", "UA")
        import_runner.run(made.pk)
    made.refresh_from_db()
    return made


def facts(client: Client, address: str) -> dict[str, str]:
    """The terms and descriptions of a page."""
    page = client.get(address).content.decode()
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return {term: " ".join(re.sub("<[^>]+>", "", text).split()) for term, text in pairs}


def undo_url(made: Import) -> str:
    return reverse("import-undo", args=[made.pk])


def test_import_is_undone_from_its_page(imported: Import, signed_in: Client) -> None:
    page = signed_in.get(imported.get_absolute_url()).content.decode()
    assert f'href="{undo_url(imported)}"' in page
    assert facts(signed_in, imported.get_absolute_url())["Undo"].startswith("Possible until ")
    assert facts(signed_in, undo_url(imported)) == {
        "New contacts, will be removed": "1",
        "Updated contacts, will get their old values back": "1",
        "Changed since, will stay as they are": "0",
        "Got a message since, will stay as they are": "0",
        "No longer on the list": "0",
    }
    answer = signed_in.post(undo_url(imported), follow=True)
    assert "The undo continues in the background." in answer.content.decode()
    assert "Cancel import" not in answer.content.decode()
    progress = reverse("import-progress", args=[imported.pk])
    assert "0 / 2" in signed_in.get(progress).content.decode()
    tasks.undo_import(imported.pk)
    assert signed_in.get(progress).headers["HX-Refresh"] == "true"
    shown = facts(signed_in, imported.get_absolute_url())
    del shown["Undone"], shown["Uploaded"], shown["Ended"]
    assert shown == {
        "Removed from the list": "1",
        "Old values restored": "1",
        "Left, changed since": "0",
        "Left, got a message since": "0",
        "No longer on the list": "0",
        "Undone by": "marta",
        "Status": "Undone",
        "List": "Clients",
        "Uploaded by": "–",
    }
    entry = AuditEntry.objects.get(action="undo")
    assert (entry.actor and entry.actor.username, entry.detail) == ("marta", "second.csv")
    assert dict(Contact.objects.values_list("msisdn", "fields__name")) == {
        "380671110001": "a", "380671110002": "b",
    }  # fmt: skip


def test_form_sent_twice_undoes_once(imported: Import, signed_in: Client) -> None:
    page = signed_in.get(undo_url(imported)).content.decode()
    token = re.search(r'name="submission" value="([0-9a-f]{32})"', page)
    assert token
    for _again in range(2):
        answer = signed_in.post(undo_url(imported), {"submission": token[1]})
        assert (answer.status_code, answer["Location"]) == (302, imported.get_absolute_url())
    assert ImportUndo.objects.count() == 1
    answer = signed_in.post(undo_url(imported), follow=True)
    assert "This import is undone already." in answer.content.decode()


def test_page_says_why_an_import_cannot_be_undone(imported: Import, signed_in: Client) -> None:
    Import.objects.filter(pk=imported.pk).update(unchanged=3)
    first = Import.objects.earliest("pk")
    shown = facts(signed_in, first.get_absolute_url())
    assert shown["Undo"] == (
        "Not possible. A later import, second.csv, had 3 contacts that were on the list already. It"
        " is not kept which ones, so undo that import first."
    )
    assert undo_url(first) not in signed_in.get(first.get_absolute_url()).content.decode()
    assert signed_in.get(undo_url(first)).status_code == 302
    answer = signed_in.post(undo_url(first), follow=True)
    assert "so undo that import first" in answer.content.decode()
    Import.objects.update(finished_at=timezone.now() - timedelta(days=31))
    shown = facts(signed_in, imported.get_absolute_url())
    assert shown["Undo"] == "Not possible. The old values of its contacts are no longer kept."


def test_import_that_wrote_nothing_offers_no_undo(write: Write, signed_in: Client) -> None:
    path = write([["phone"], ["044 123 45 67"]])
    made = import_lifecycle.create_queued_import(path, "Clients", "1", "UA")
    for state in (ImportState.QUEUED, ImportState.FINISHED):
        Import.objects.update(state=state)
        assert "Undo" not in facts(signed_in, made.get_absolute_url())
        assert signed_in.get(undo_url(made)).status_code == 302
        answer = signed_in.post(undo_url(made), follow=True)
        assert "This import has changed no contacts." in answer.content.decode()


def test_undo_that_stopped_half_way_goes_on(imported: Import, signed_in: Client) -> None:
    lifecycle.start(imported.pk, None)
    Import.objects.filter(pk=imported.pk).update(state=ImportState.FAILED, failure="No")
    page = signed_in.get(imported.get_absolute_url()).content.decode()
    assert "Continue the undo" in page
    signed_in.post(undo_url(imported))
    tasks.undo_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.failure) == (ImportState.UNDONE, "")


def test_viewers_see_the_undo_and_start_none(imported: Import, viewer: Client) -> None:
    shown = facts(viewer, imported.get_absolute_url())
    assert shown["Undo"].startswith("Possible until ")
    assert undo_url(imported) not in viewer.get(imported.get_absolute_url()).content.decode()
    assert viewer.get(undo_url(imported)).status_code == 403
    assert viewer.post(undo_url(imported)).status_code == 403
