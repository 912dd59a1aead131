"""The third-party files, and what templates may load."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
VENDOR = STATIC / "vendor"


def test_each_package_has_its_version_and_licence() -> None:
    versions = json.loads((VENDOR / "versions.json").read_text())
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == set(versions)
    for folder, package in versions.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert (VENDOR / folder / "LICENSE").stat().st_size > 500


def test_nothing_is_loaded_from_another_host() -> None:
    pages = [*Path(settings.BASE_DIR, "templates").rglob("*.html"), STATIC / "css" / "site.css"]
    for page in pages:
        loaded = re.findall(r"""(?:src|<link[^>]+href)=["']?(https?:)?//""", page.read_text())
        assert not loaded, page


@pytest.mark.parametrize("word", [r"\sstyle=", r"\son[a-z]+=\"", r"<script>", r"<style"])
def test_no_template_breaks_the_policy(word: str) -> None:
    result = [
        str(page)
        for page in Path(settings.BASE_DIR, "templates").rglob("*.html")
        if re.search(word, page.read_text())
    ]
    assert result == []


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons" / "sprite.svg").read_text()))
    named: set[str] = set()
    for page in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        source = page.read_text()
        named |= set(re.findall(r"""{% icon ["']([\w-]+)["']""", source))
        named |= set(re.findall(r"""\bicon=["']([\w-]+)["']""", source))
    assert named <= sprite, named - sprite
