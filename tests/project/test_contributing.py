"""CONTRIBUTING.md is true: each address is handled where its table says, and the files exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLResolver, get_resolver, resolve

from campaigns.contacts.people.person_ids import id_of

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLES = {"ID": "1", "PERSON": id_of("380970000001"), "NAME": "a.png"}
ADDRESSES = [
    (address, module)
    for addresses, module in re.findall(r"^\| (`/[^|]*) \| `([a-z_/]+)\.py` \|", TEXT, re.MULTILINE)
    for address in re.findall(r"`([^`]+)`", addresses)
]


@pytest.mark.parametrize(("address", "module"), ADDRESSES)
def test_address_is_handled_where_the_table_says(address: str, module: str) -> None:
    path = re.sub("ID|PERSON|NAME", lambda name: EXAMPLES[name[0]], address)
    view = resolve(path).func
    view = getattr(view, "view_class", view)
    assert view.__module__ == f"campaigns.{module.replace('/', '.')}"


def view_modules(resolver: URLResolver) -> Iterator[str]:
    """The modules of all views below `resolver`."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from view_modules(pattern)
        else:
            yield getattr(pattern.callback, "view_class", pattern.callback).__module__


def test_every_module_of_views_is_in_the_table() -> None:
    ours = {name for name in view_modules(get_resolver()) if name.startswith("campaigns.")}
    listed = {f"campaigns.{module.replace('/', '.')}" for _address, module in ADDRESSES}
    assert ours == listed


def test_named_files_exist() -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|html|css|js))`", TEXT)
    assert len(named) > 40
    folders = ("campaigns", "docs", "static", "templates", "tests", "viberdash")
    paths = [
        f"/{path.relative_to(ROOT)}" for folder in folders for path in ROOT.glob(f"{folder}/**/*")
    ]
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in paths)]
    assert missing == []
