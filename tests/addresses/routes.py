"""Every address of the resolver, the admin's too, with what stands in its path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """An address as it stands in the resolver, such as `campaigns/<int:pk>/edit`."""

    path: str
    is_admin: bool

    @cached_property
    def arguments(self) -> list[str]:
        return ARGUMENT.findall(self.path)

    def url(self, values: Mapping[str, str]) -> str:
        """The address with `values` for its arguments, in whatever bytes they have."""

        def value(match: re.Match[str]) -> str:
            return quote(values[match[1]].encode("utf-8", "surrogatepass"))

        return "/" + ARGUMENT.sub(value, self.path)


def every_route() -> list[Route]:
    """All addresses, in the order of the resolver."""
    return list(_routes(get_resolver(), ""))


def _routes(resolver: URLResolver, before: str, *, is_admin: bool = False) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        if not isinstance(entry.pattern, RoutePattern):
            continue  # what the admin does with addresses that it does not know
        if isinstance(entry, URLResolver) and entry.app_name == "ninja":
            continue  # the API, which cookies do not open: tests/api
        path = f"{before}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield Route(path, is_admin)
        else:
            yield from _routes(entry, path, is_admin=is_admin or entry.app_name == "admin")
