"""What gets installed: each package by version and hash, from any index, the same for tests."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(settings.BASE_DIR)
SETS = ["requirements", "requirements-dev"]
OPTIONS = {"requirements": [], "requirements-dev": ["-c requirements.txt", "-r requirements.in"]}
HASH = re.compile(r" --hash=sha256:[0-9a-f]{64}(?= |$)")


def logical_lines(name: str) -> list[str]:
    """The lines as pip reads them: continued lines joined, without comments and empty lines."""
    text = re.sub(r"(^|\s)#.*", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [line.strip() for line in lines if line.strip()]


def wanted(name: str) -> list[Requirement]:
    """The requirements that `name`.in lists itself."""
    return [Requirement(line) for line in logical_lines(f"{name}.in") if not line.startswith("-")]


def locked(name: str) -> dict[NormalizedName, Requirement]:
    """The requirements of `name`.txt by package: each is there once, so platforms do not differ."""
    requirements = [Requirement(HASH.sub("", line)) for line in logical_lines(f"{name}.txt")]
    by_package = {canonicalize_name(requirement.name): requirement for requirement in requirements}
    assert len(by_package) == len(requirements)
    return by_package


@pytest.mark.parametrize("name", SETS)
def test_lock_holds_a_fitting_version_of_every_requirement(name: str) -> None:
    lock = locked(name)
    for requirement in wanted(name):
        locked_requirement = lock[canonicalize_name(requirement.name)]
        (pin,) = locked_requirement.specifier
        assert requirement.specifier.contains(pin.version), requirement
        assert requirement.extras <= locked_requirement.extras, requirement
        assert locked_requirement.marker is None, requirement


@pytest.mark.parametrize("name", SETS)
def test_lock_gives_every_package_one_version_and_its_hashes(name: str) -> None:
    lines = logical_lines(f"{name}.txt")
    assert len(lines) > len(wanted(name))
    for line in lines:
        assert re.match(r"[\w.-]+(\[[\w, -]+\])?==[\w.]+( |$)", line), line
        assert HASH.search(line), line


def test_tests_run_on_the_versions_of_the_product() -> None:
    product, development = locked("requirements"), locked("requirements-dev")
    assert {package: development[package].specifier for package in product} == {
        package: requirement.specifier for package, requirement in product.items()
    }


@pytest.mark.parametrize("name", SETS)
def test_requirements_name_no_index(name: str) -> None:
    options = [line for line in logical_lines(f"{name}.in") if line.startswith("-")]
    assert options == OPTIONS[name]
    for suffix in ("in", "txt"):
        assert "://" not in (ROOT / f"{name}.{suffix}").read_text()


def test_node_packages_have_exact_versions_hashes_and_no_address() -> None:
    wanted_versions = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["devDependencies"] == wanted_versions
    for name, version in wanted_versions.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for path, package in packages.items():
        assert package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package, path
