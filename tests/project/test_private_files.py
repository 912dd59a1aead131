"""No other user of the machine can read what an installation writes."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from pytest_django import Settings

from viberdash.private_files import tighten

UMASK = "import os; print(oct(os.umask(0)))"
# what every process of an installation begins with: manage.py, the web server, its workers
STARTS = {
    "manage.py": ("manage.py", "shell", "--no-imports", "-c", UMASK),
    "wsgi": ("-c", f"import viberdash.wsgi; {UMASK}"),
    "gunicorn": (
        "-c",
        f"import viberdash.gunicorn as config; assert config.umask == 0o77; {UMASK}",
    ),
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def careless(*command: str, **variables: str) -> subprocess.Popen[str]:
    """A process that was started with the umask 000, which denies nobody anything."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        umask=0,
    )


@pytest.mark.parametrize("start", STARTS)
def test_every_process_creates_files_for_its_own_user(start: str, tmp_path: Path) -> None:
    database = tmp_path / "data" / "db.sqlite3"
    process = careless(*STARTS[start], DATABASE_URL=f"sqlite:///{database}")
    output, _errors = process.communicate(timeout=60)
    assert output == "0o77\n"
    assert mode(database.parent) == 0o700


@pytest.mark.processes
def test_the_sandbox_journal_is_private(tmp_path: Path) -> None:
    journal = tmp_path / "sandbox" / "journal.jsonl"
    command = ("manage.py", "sandbox_gateway", "--port", "0", "--journal", str(journal))
    process = careless(*command)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Sandbox gateway on ")
        assert (mode(journal.parent), mode(journal)) == (0o700, 0o600)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_pictures_are_stored_for_the_site_alone(tmp_path: Path) -> None:
    storage = FileSystemStorage(location=tmp_path / "media")
    name = storage.save("pictures/one.png", ContentFile(b"picture"))
    assert mode(tmp_path / "media" / name) == 0o600
    assert mode(tmp_path / "media" / "pictures") == 0o700


def test_what_was_readable_is_corrected_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir(mode=0o700)
    for name, rights in (("public", 0o644), ("executable", 0o755), ("private", 0o600)):
        (folder / name).touch()
        (folder / name).chmod(rights)
    target = tmp_path / "elsewhere"
    target.touch()
    target.chmod(0o644)
    (folder / "link").symlink_to(target)
    assert tighten([folder, folder, tmp_path / "missing"]) == [
        f"Other users of this machine could read {folder}: corrected, 2 in all."
    ]
    assert [mode(folder / name) for name in ("public", "executable", "private")] == [
        0o600,
        0o700,
        0o600,
    ]
    assert mode(target) == 0o644  # not ours: only a link to it stands in the folder
    assert tighten([folder]) == []


@pytest.mark.django_db
def test_prepare_corrects_an_older_installation(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEBUG = True  # without static files
    settings.DATA_ROOT = tmp_path / "var"
    settings.ENV_FILE = tmp_path / ".env"
    for name in ("MEDIA_ROOT", "UPLOAD_ROOT", "STATIC_ROOT"):
        setattr(settings, name, settings.DATA_ROOT / name)
    for path in (settings.UPLOAD_ROOT / "contacts", settings.DATA_ROOT / "sandbox.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o644)
    settings.ENV_FILE.touch()
    settings.ENV_FILE.chmod(0o644)
    for folder in (settings.DATA_ROOT, settings.UPLOAD_ROOT):
        folder.chmod(0o755)
    call_command("prepare")
    output = capsys.readouterr().out
    assert f"could read {settings.DATA_ROOT}: corrected, 4 in all.\n" in output
    assert f"could read {settings.ENV_FILE}: corrected, 1 in all.\n" in output
    for path in (settings.DATA_ROOT, settings.UPLOAD_ROOT):
        assert mode(path) == 0o700
    assert mode(settings.UPLOAD_ROOT / "contacts") == 0o600
    call_command("prepare")
    assert "Other users" not in capsys.readouterr().out
