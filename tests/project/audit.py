"""`python -m tests.project.audit`: are there known vulnerabilities in what the product runs on?

Asks the database of OSV, which has PyPI's advisories, about all pins of requirements.txt, by one
request. Where it can't be reached, that is said, and nothing fails.
"""

import re
import sys
from pathlib import Path

import requests

OSV = "https://api.osv.dev/v1/querybatch"
PINS = Path(__file__).resolve().parents[2] / "requirements.txt"
PIN = re.compile(r"^([a-zA-Z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
SECONDS = 5.0  # to connect, and between two bytes of the answer


def pins() -> list[tuple[str, str]]:
    """Name and version of each pinned package."""
    return PIN.findall(PINS.read_text(encoding="utf-8"))


def known_vulnerabilities(address: str = OSV) -> dict[str, list[str]]:
    """Package with version -> ids of advisories. Raises OSError or ValueError without an answer."""
    packages = pins()
    queries = [
        {"package": {"ecosystem": "PyPI", "name": name}, "version": version}
        for name, version in packages
    ]
    answer = requests.post(address, json={"queries": queries}, timeout=SECONDS)
    answer.raise_for_status()
    results = answer.json()["results"]
    if len(results) != len(packages):
        raise ValueError("an answer about other packages")
    return {
        f"{name}=={version}": ids
        for (name, version), result in zip(packages, results, strict=True)
        if (ids := [advisory["id"] for advisory in result.get("vulns", ())])
    }


def main(address: str = OSV) -> int:
    try:
        found = known_vulnerabilities(address)
    except (OSError, ValueError, LookupError) as error:
        reason = type(error).__name__
        print(f"!!! SKIPPED: {address} can't be asked about known vulnerabilities ({reason}).")
        return 0
    for package, ids in found.items():
        print(f"{package}: {', '.join(f'https://osv.dev/{name}' for name in ids)}")
    if not found:
        print(f"No known vulnerabilities in {len(pins())} packages.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
