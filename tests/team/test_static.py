"""The third-party files and what becomes of them in production."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import Settings

STATIC = Path(settings.BASE_DIR) / "static"
VENDOR = STATIC / "vendor"
MANIFEST = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}


def test_collectstatic_hashes_and_compresses_every_file(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": MANIFEST}
    call_command("collectstatic", interactive=False, verbosity=0)
    names = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    for path in ("vendor/tabler/tabler.min.css", "vendor/htmx/htmx.min.js", "css/site.css", "js/site.js"):
        assert re.fullmatch(r".+\.[0-9a-f]{12}\.\w+", names[path])
        assert (tmp_path / f"{names[path]}.gz").is_file()
    css = (tmp_path / names["css/site.css"]).read_text()
    assert f"../{names['vendor/inter/inter-latin.woff2']}" in css


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
    found = [
        str(page) for page in Path(settings.BASE_DIR, "templates").rglob("*.html") if re.search(word, page.read_text())
    ]
    assert found == []


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons" / "sprite.svg").read_text()))
    named: set[str] = set()
    for page in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        source = page.read_text()
        named |= set(re.findall(r"""{% icon ["']([\w-]+)["']""", source))
        named |= set(re.findall(r"""\bicon=["']([\w-]+)["']""", source))
    assert named <= sprite, named - sprite
