"""The examples of docs/api.md work, against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Campaign, CampaignState, ContactList, Role, Sender
from campaigns.team.permissions import Permission
from tests.api.conftest import client_of
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = Path("docs/api.md").read_text(encoding="utf-8")
P = Permission


def examples(language: str) -> str:
    """All of one language: the later ones go on from the first."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL))


def run(command: list[str], code: str, live_server: Any) -> str:
    Sender.objects.create(name="Shop")
    scopes = {P.VIEW, P.SEE_PHONES, P.EDIT_CONTACTS, P.COMPOSE, P.SEND}
    token = client_of(make_user("crm", Role.MARKETER), scopes).text
    environment = os.environ | {"VIBERDASH": live_server.url, "TOKEN": token}
    return subprocess.run(
        command, input=code, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_examples_for_curl(live_server: Any) -> None:
    answers = run(["sh", "-eu"], examples("sh"), live_server)
    assert '"items": []' in answers
    assert {row.name for row in ContactList.objects.all()} == {"Clients of March", "Friends"}
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.state) == ("March", CampaignState.PREPARING)
    assert '"state": "preparing"' in answers


def test_the_examples_for_python(live_server: Any) -> None:
    printed = run([sys.executable, "-"], examples("python"), live_server)
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
