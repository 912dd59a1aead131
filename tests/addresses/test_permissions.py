"""Each address answers each role as the table says. An address without a row fails."""

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from campaigns.shared.brands.scope import MAIN
from campaigns.team.models import Brand, Role
from tests.addresses.permissions import ROLES, TABLE, rows_of_table, sign_in
from tests.addresses.requests import Site
from tests.addresses.routes import every_route
from tests.addresses.rows import make_rows
from tests.reports.factories import make_user

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.walk,
    pytest.mark.usefixtures("plain_rendering"),
]
# There with a provider or a second factor alone: tests/team/test_oidc.py, test_factors.py
OF_OWN_ACCOUNT = ("/sign-in/oidc/", "/confirm/oidc/", "/account/factors/")


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Site:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    settings.METRICS_TOKEN = "a-token-of-twenty-four-characters"
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    ids = make_rows(boss)
    other = Brand.objects.create(name="Other", slug="other")
    return Site([sign_in(role, boss, other) for role in ROLES], [*ids, MAIN])


def test_each_address_answers_each_role_as_the_table_says(site: Site) -> None:
    lines = list(rows_of_table(site))
    if os.environ.get("WRITE_PERMISSIONS"):
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == TABLE.read_text(encoding="utf-8").splitlines()


def test_every_address_has_a_row() -> None:
    listed = {line.split("\t")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    ours = {f"/{route.path}" for route in every_route() if not route.is_admin}
    assert {path for path in ours - listed if not path.startswith(OF_OWN_ACCOUNT)} == set()
