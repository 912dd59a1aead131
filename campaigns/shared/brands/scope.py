"""For which brand the running code acts: it limits what the managers of branded models return.

A page acts for the brand of its address, a task for that of the campaign or the import that it
works on. Code that acts for no brand in particular, such as sending and Django's admin, sees the
rows of all. As long as there is one brand alone nothing is limited.

The scope is a context variable, since every query of a page has to respect it: a condition that
each of them had to write could be forgotten once.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.urls import get_script_prefix, set_script_prefix

MAIN = 1  # the id of the brand that every installation begins with; its addresses have no prefix

_brand: ContextVar[int | None] = ContextVar("brand", default=None)
_is_limited: ContextVar[bool] = ContextVar("brand is limited", default=False)


@contextmanager
def acting_for(brand_id: int | None, slugs: Mapping[int, str] | None = None) -> Iterator[None]:
    """Within it, branded models have the rows of this brand alone, new objects belong to it, and
    addresses lead to its pages. None: the rows of all brands.

    `slugs`: the short names of all brands, if they are known.
    """
    if brand_id is None:
        with all_brands():
            yield
        return
    if slugs is None:
        slugs = dict(apps.get_model("campaigns", "Brand").objects.values_list("pk", "slug"))
    is_limited, prefix = len(slugs) > 1, get_script_prefix()
    with _scope(brand_id, is_limited):
        if is_limited:
            base = without_brand(prefix)
            set_script_prefix(base if brand_id == MAIN else f"{base}b/{slugs[brand_id]}/")
        try:
            yield
        finally:
            set_script_prefix(prefix)


def all_brands() -> Any:
    """Within it, branded models have the rows of all brands."""
    return _scope(None, is_limited=False)


@contextmanager
def _scope(brand_id: int | None, is_limited: bool) -> Iterator[None]:
    brand, limited = _brand.set(brand_id), _is_limited.set(is_limited)
    try:
        yield
    finally:
        _is_limited.reset(limited)
        _brand.reset(brand)


def limit() -> int | None:
    """The id of the only brand whose rows may be read; None: no limit."""
    return _brand.get() if _is_limited.get() else None


def acting_brand() -> int | None:
    """The id of the brand that the running code acts for; None: for none in particular."""
    return _brand.get()


def shared_condition(row: str = "") -> str:
    """The condition, for SQL, on rows of the brand that is acted for and on those for all brands.

    `row`: the name of the table in the statement, with a point.
    """
    brand = limit()
    return "1 = 1" if brand is None else f"({row}brand_id = {brand:d} OR {row}brand_id IS NULL)"


def brand_of_new() -> int:
    """The id of the brand that a new object belongs to."""
    return _brand.get() or MAIN


def without_brand(prefix: str) -> str:
    """What addresses of the first brand begin with, where those of another begin with `prefix`."""
    return re.sub(r"/b/[-a-zA-Z0-9_]+/$", "/", prefix)


def split_path(path: str) -> tuple[str, str]:
    """The short name of a brand that begins the path of a page, or "", and the path without it."""
    match = re.match(r"/b/([-a-zA-Z0-9_]+)(/.*)", path)
    return (match[1], match[2]) if match else ("", path)
