"""The examples of docs/api.md work, against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import ContactList, Role
from campaigns.team.permissions import Permission
from tests.api.conftest import client_of
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = Path("docs/api.md").read_text(encoding="utf-8")
P = Permission


def example(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(code)


def run(command: list[str], code: str, live_server: Any) -> str:
    scopes = {P.VIEW, P.SEE_PHONES, P.EDIT_CONTACTS}
    token = client_of(make_user("crm", Role.MARKETER), scopes).text
    environment = os.environ | {"VIBERDASH": live_server.url, "TOKEN": token}
    return subprocess.run(
        command, input=code, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_example_for_curl(live_server: Any) -> None:
    answers = run(["sh", "-eu"], example("sh"), live_server)
    assert '"items": []' in answers
    assert ContactList.objects.get().name == "Clients of March"


def test_the_example_for_python(live_server: Any) -> None:
    printed = run([sys.executable, "-"], example("python"), live_server)
    assert printed.splitlines() == [
        "+380971234567 new ",
        "+380971234568 new ",
        "12 rejected too_short",
        "+380971234567 {'city': 'Kyiv'}",
        "+380971234568 {}",
    ]
