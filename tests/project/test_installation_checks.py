"""What `manage.py check` says about the installation, beside Django's own checks."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from pytest_django import Settings

from campaigns.team import safe_mode
from campaigns.team.models import Brand
from viberdash.management.commands import check

pytestmark = pytest.mark.django_db


def warnings() -> list[str]:
    said = StringIO()
    call_command("check", tags=["installation"], stdout=StringIO(), stderr=said)
    return [line for line in said.getvalue().splitlines() if line.startswith("?:")]


def test_safe_mode_is_named() -> None:
    assert warnings() == []
    safe_mode.enter(datetime(2026, 11, 30, 8, 5, tzinfo=UTC))
    assert warnings() == [
        "?: (viberdash.W001) Safe mode is on since 2026-11-30 08:05 UTC, as the database was"
        " restored: nothing is sent."
    ]


def test_key_that_is_of_no_brand_is_named_without_its_value(settings: Settings) -> None:
    Brand.objects.create(name="Pet shop", slug="pet-shop")
    settings.BRAND_API_KEYS = {"PET_SHOP": "live_1234567890", "TOYS": "live_0987654321"}
    settings.BRAND_API_URLS = {"TOY": "https://api.bsg.world/rest"}
    assert warnings() == [
        "?: (viberdash.W002) BSG_API_KEY_TOYS is of no brand, so it is not used.",
        "?: (viberdash.W002) BSG_API_URL_TOY is of no brand, so it is not used.",
    ]


def test_database_that_does_not_answer_is_no_fault(settings: Settings, tmp_path: Path) -> None:
    with patch.object(check, "safe_mode", side_effect=OperationalError):
        assert warnings() == []
    settings.SQLITE = True
    missing = tmp_path / "none.sqlite3"
    with patch.dict(connection.settings_dict, {"NAME": str(missing)}):
        assert warnings() == []
    assert not missing.exists()
