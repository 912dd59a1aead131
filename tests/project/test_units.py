"""The systemd units: a process that is taken over can do little, and can still do its work."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

UNITS = sorted((Path(settings.BASE_DIR) / "docs" / "systemd").glob("*.service"))
EXPOSURE_MAX = 3.0  # of 10, as systemd-analyze counts it
ANALYZE = shutil.which("systemd-analyze")
REQUIRED = {
    "UMask=0077",
    "NoNewPrivileges=true",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=true",
    "PrivateTmp=true",
    "PrivateDevices=true",
    "PrivateUsers=true",
    "RestrictNamespaces=true",
    "SystemCallArchitectures=native",
    # what the work needs: data, PostgreSQL and Redis by socket or network, child processes
    "ReadWritePaths=/srv/viberdash/var",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "SystemCallFilter=@system-service",
}


def by_name(unit: Path) -> str:
    return unit.stem


@pytest.mark.parametrize("unit", UNITS, ids=by_name)
def test_unit_restricts_its_process(unit: Path) -> None:
    assert not REQUIRED - set(unit.read_text(encoding="utf-8").splitlines())


def test_units_restrict_all_alike() -> None:
    texts = [unit.read_text(encoding="utf-8") for unit in UNITS]
    parts = [text.partition("# What it may")[2] for text in texts]
    restrictions = {part.partition("\n[Install]")[0] for part in parts}  # a timer starts one
    assert (len(UNITS), len(restrictions)) == (4, 1)


@pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze; the directives are checked above")
@pytest.mark.parametrize("unit", UNITS, ids=by_name)
def test_exposure_is_low(unit: Path) -> None:
    ended = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", ended.stdout)
    assert level is not None, ended.stderr
    assert float(level[1]) < EXPOSURE_MAX
