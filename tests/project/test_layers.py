"""The order in which imports may point, kept by import-linter."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as"
        " lint; lint()"
    )
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=tree,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The packages that the contract names, empty, under the contract itself."""
    (tmp_path / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for package in stages():
        (tmp_path / "campaigns" / package).mkdir(parents=True)
        (tmp_path / "campaigns" / package / "__init__.py").touch()
    (tmp_path / "campaigns" / "__init__.py").touch()
    return tmp_path


def stages() -> list[str]:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"][0]
    return [name.strip() for layer in contract["layers"] for name in layer.split("|")]


def test_layers_name_every_stage_of_the_house() -> None:
    assert stages()[:6] == ["reports", "results", "dispatch", "compose", "audience", "team"]
    assert {"gateway", "ledger"} < set(stages()[6:])


def test_layers_allow_imports_from_earlier_stages(tree: Path) -> None:
    (tree / "campaigns" / "dispatch" / "sending.py").write_text(
        "from campaigns import compose, gateway, ledger\n"
    )
    assert lint(tree).returncode == 0


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("compose", "dispatch"),
        ("audience", "compose"),
        ("results", "reports"),
        ("gateway", "team"),
        ("ledger", "gateway"),
    ],
)
def test_layers_refuse_imports_from_later_stages(tree: Path, importer: str, imported: str) -> None:
    (tree / "campaigns" / importer / "wrong.py").write_text(f"from campaigns import {imported}\n")
    ended = lint(tree)
    assert ended.returncode == 1
    assert f"campaigns.{importer} is not allowed to import campaigns.{imported}" in ended.stdout


def test_layers_refuse_a_package_without_a_place(tree: Path) -> None:
    (tree / "campaigns" / "helpers").mkdir()
    (tree / "campaigns" / "helpers" / "__init__.py").touch()
    ended = lint(tree)
    assert ended.returncode == 1
    assert "helpers" in ended.stdout
