"""The order in which imports may point, kept by import-linter."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

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


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return [contract for contract in contracts if contract["type"] == "layers"]


def layers_of(contract: dict[str, Any]) -> list[str]:
    return [name.strip() for layer in contract["layers"] for name in layer.split("|")]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The packages that the contracts name, empty, under the contracts themselves."""
    (tmp_path / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for contract in contracts():
        for container in contract["containers"]:
            for name in layers_of(contract):
                package = tmp_path.joinpath(*container.split("."), name)
                package.mkdir(parents=True, exist_ok=True)
                (package / "__init__.py").touch()
    (tmp_path / "campaigns" / "__init__.py").touch()
    return tmp_path


def test_layers_name_every_stage() -> None:
    stages = layers_of(contracts()[0])
    assert stages == [
        "api", "reports", "events", "engagement", "results", "dispatch", "compose", "contacts",
        "team", "gateway", "ledger", "shared",
    ]  # fmt: skip


def test_every_stage_has_an_order_within() -> None:
    ordered = {container for contract in contracts()[1:] for container in contract["containers"]}
    assert {f"campaigns.{stage}" for stage in layers_of(contracts()[0])} <= ordered
    assert all(contract["exhaustive"] for contract in contracts())


def test_layers_allow_imports_from_earlier_stages(tree: Path) -> None:
    (tree / "campaigns" / "dispatch" / "sweep" / "due.py").write_text(
        "from campaigns import compose, gateway, ledger\n"
    )
    assert lint(tree).returncode == 0


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("compose", "dispatch"),
        ("contacts", "compose"),
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
