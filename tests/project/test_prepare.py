"""What stands between the code and its start."""

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from campaigns.management.commands import prepare
from campaigns.models import Role, User
from viberdash.private_files import tighten

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    for name in ("MEDIA_ROOT", "UPLOAD_ROOT", "STATIC_ROOT"):
        setattr(settings, name, tmp_path / name)
    settings.DEBUG = True
    settings.DATA_ROOT = tmp_path / "DATA_ROOT"
    tighten(prepare.private_paths())  # the database of the tests


def test_prepare_refuses_a_database_of_another_version() -> None:
    MigrationRecorder.Migration.objects.create(app="campaigns", name="0999_later")
    with pytest.raises(CommandError) as refused:
        call_command("prepare")
    assert str(refused.value) == (
        "The database is of another version: this one does not know campaigns.0999_later."
        " Run the version that it belongs to, or restore a backup of this one."
    )


def test_prepare_makes_the_first_administrator_and_says_the_password_once(
    capsys: pytest.CaptureFixture[str], client: Client
) -> None:
    call_command("prepare")
    values = capsys.readouterr().out
    result = re.search(r"password\s+(\S{19})\n", values)
    assert result is not None
    assert client.login(username="admin", password=result[1])
    assert User.objects.get().role == Role.ADMINISTRATOR
    call_command("prepare")
    assert capsys.readouterr().out == ""
    assert User.objects.count() == 1


def test_prepare_leaves_an_installation_with_people_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    User.objects.create_user("olena")
    call_command("prepare")
    assert capsys.readouterr().out == ""
    assert list(User.objects.values_list("username", flat=True)) == ["olena"]


def test_static_files_are_gathered_again_only_when_one_changed(
    settings: Settings, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("a { color: red }")
    settings.DEBUG = False
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [source]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    gathered = tmp_path / "STATIC_ROOT"
    prepare.collect_static()
    manifest = gathered / "staticfiles.json"
    assert len(list(gathered.glob("site.*.css"))) == 1
    manifest.unlink()
    prepare.collect_static()
    assert not manifest.exists()
    (source / "site.css").write_text("a { color: blue; }")
    prepare.collect_static()
    assert manifest.exists()
    assert len(list(gathered.glob("site.*.css"))) == 2
