"""The examples of docs/api.md work, against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from campaigns.contacts.importing import lifecycle
from campaigns.models import (
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    Role,
    Sender,
    StopListEntry,
    User,
)
from campaigns.team.permissions import Permission
from tests.api.conftest import client_of
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = Path("docs/api.md").read_text(encoding="utf-8")
P = Permission


def examples(language: str, *places: int) -> str:
    """Those at `places` in the document, joined: later ones go on from the first."""
    codes = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert len(codes) == {"sh": 4, "python": 3}[language]
    return "\n".join(codes[place] for place in places)


def run(command: list[str], code: str, live_server: Any, folder: Path | None = None) -> str:
    Sender.objects.get_or_create(name="Shop")
    scopes = {P.VIEW, P.SEE_PHONES, P.EDIT_CONTACTS, P.EDIT_STOP_LIST, P.COMPOSE, P.SEND}
    user = User.objects.filter(username="crm").first() or make_user("crm", Role.MARKETER)
    token = client_of(user, scopes).text
    environment = os.environ | {"VIBERDASH": live_server.url, "TOKEN": token}
    return subprocess.run(
        command, input=code, env=environment, check=True, capture_output=True, text=True, cwd=folder
    ).stdout


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers are to do with imports is done at once."""

    def call(task: str, *args: int) -> None:
        import_string(task)(*args)

    monkeypatch.setattr(lifecycle, "enqueue", call)


def test_the_examples_for_curl(live_server: Any, tmp_path: Path) -> None:
    answers = run(["sh", "-eu"], examples("sh", 0, 1, 3), live_server, tmp_path)
    assert '"items": []' in answers
    assert {row.name for row in ContactList.objects.all()} == {"Clients of March", "Friends"}
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.state) == ("March", CampaignState.PREPARING)
    assert '"state": "preparing"' in answers
    columns = "id,at,day,kind,channel,purpose,campaign_id,phone,country,currency,amount,note"
    assert (tmp_path / "entries.csv").read_text("utf-8-sig") == f"{columns}\n"


def test_the_examples_for_python(live_server: Any) -> None:
    printed = run([sys.executable, "-"], examples("python", 0, 1), live_server)
    assert printed.splitlines() == [
        "+380971234567 new ",
        "+380971234568 new ",
        "12 rejected too_short",
        "+380971234567 {'city': 'Kyiv'}",
        "+380971234568 {}",
        "recipients: 2",
        "preparing",
        "0 of 0 accepted",
    ]


def test_the_examples_of_a_nightly_list(live_server: Any, workers: None, tmp_path: Path) -> None:
    rows = "phone;city\n+380971234567;Kyiv\n12;Rome\n"
    (tmp_path / "clients.csv").write_text(rows, encoding="utf-8")
    answers = run(["sh", "-eu"], examples("sh", 2), live_server, tmp_path)
    assert '"state": "finished"' in answers
    [new_list] = ContactList.objects.all()
    assert (new_list.name.split()[0], new_list.contact_count) == ("Clients", 1)
    assert StopListEntry.objects.filter(reason="asked by e-mail").count() == 2
    for counts in ("1 new, 0 updated, 1 rejected", "0 new, 0 updated, 1 rejected"):
        printed = run([sys.executable, "-"], examples("python", 2), live_server, tmp_path)
        assert printed.splitlines() == [
            counts,
            "3 too_short ['12', 'Rome']",
            "[{'outcome': 'known', 'reason': None}]",
        ]
    assert Contact.objects.filter(list__name="Clients").count() == 1
