"""What is installed: one version, in one place, and the commit."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from viberdash import __version__
from viberdash.installed import commit, installed

ROOT = Path(settings.BASE_DIR)
HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("command", [["manage.py", "version"], ["-m", "viberdash", "--version"]])
def test_version_is_said_without_settings(command: list[str]) -> None:
    said = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"ENV_FILE": "/dev/null", "VIBERDASH_COMMIT": HASH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (said.stdout, said.stderr) == (f"ViberDash {__version__} (0123456789)\n", "")


def test_version_stands_in_one_place_and_has_its_notes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "viberdash.__version__"}
    assert f"\n## [{__version__}] " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_commit_is_that_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIBERDASH_COMMIT", raising=False)
    assert commit(tmp_path) == ""
    assert installed("") == f"ViberDash {__version__}"
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert commit(tmp_path) == ""
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{HASH} refs/heads/main\n")
    assert commit(tmp_path) == HASH
    (git / "refs" / "heads" / "main").write_text(f"{'f' * 40}\n")
    assert commit(tmp_path) == "f" * 40
    (git / "HEAD").write_text(f"{HASH}\n")
    assert commit(tmp_path) == HASH
    worktree = tmp_path / "worktree"
    (git / "worktrees" / "w").mkdir(parents=True)
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {git}/worktrees/w\n")
    (git / "worktrees" / "w" / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "worktrees" / "w" / "commondir").write_text("../..\n")
    assert commit(worktree) == "f" * 40
