"""What the views and forms read from requests, as seen while they did: the names, and values that
they take. So whatever is added to a form, a page or a link is known at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from html.parser import HTMLParser
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from campaigns.contacts.people.person_ids import id_of
from tests.addresses.requests import Site, Values
from tests.addresses.routes import Route
from tests.addresses.rows import PHONE

ROUNDS = 2  # a form may read more once it is valid
OFFERED = 6  # choices of a field that are tried
NOT_OURS = {"csrfmiddlewaretoken"}
NOT_ALLOWED = 405


class ReadNames:
    """The names by which values were read while `watched`, and the forms that were made."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.files: set[str] = set()
        self._forms: list[forms.BaseForm] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is read meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for method in ("__getitem__", "__contains__", "getlist"):
                patch.setattr(MultiValueDict, method, self._noting(method))
            init = forms.BaseForm.__init__

            @wraps(init)
            def made(form: forms.BaseForm, *arguments: Any, **options: Any) -> None:
                self._forms.append(form)
                init(form, *arguments, **options)

            patch.setattr(forms.BaseForm, "__init__", made)
            yield

    def _noting(self, method: str) -> Callable[..., Any]:
        original = getattr(MultiValueDict, method)

        def noting(mapping: Any, name: Any, *arguments: Any) -> Any:
            if isinstance(name, str) and name not in NOT_OURS:
                (self.values if isinstance(mapping, QueryDict) else self.files).add(name)
            return original(mapping, name, *arguments)

        return noting

    def offered(self) -> dict[str, set[str]]:
        """Name -> values that the forms offer."""
        values: dict[str, set[str]] = defaultdict(set)
        for form in self._forms:
            for name, form_field in getattr(form, "fields", {}).items():
                values[form.add_prefix(name)] |= set(_values(form_field))
                if isinstance(form_field, forms.FileField):
                    self.files.add(form.add_prefix(name))
        self._forms.clear()
        return values


def _values(form_field: forms.Field) -> list[str]:
    if isinstance(form_field, forms.BooleanField):
        return ["on"]
    if isinstance(form_field, forms.IntegerField):
        ends = (form_field.min_value, form_field.max_value)
        return [str(end) for end in ends if isinstance(end, int)]
    return [str(value) for value, _label in islice(_flat(form_field), OFFERED)]


def _flat(form_field: forms.Field) -> Iterator[tuple[Any, Any]]:
    for value, label in getattr(form_field, "choices", ()):
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield value, label


class PageValues(HTMLParser):
    """The values in the forms and links of a page, by name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, set[str]] = defaultdict(set)
        self.kinds: dict[str, str] = {}  # of inputs
        self._select = self._textarea = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = given.get("name", "")
        elif tag == "textarea":
            self._textarea = given.get("name", "")
        elif tag == "option" and self._select:
            self._add(self._select, given.get("value", ""))
        elif tag in ("input", "button") and given.get("name"):
            self._add(given["name"], given.get("value", "on"))
            self.kinds[given["name"]] = given.get("type", "")
        for link in ("href", "hx-get", "hx-post", "action", "formaction"):
            if "?" in given.get(link, ""):
                for name, value in parse_qsl(urlsplit(given[link]).query, keep_blank_values=True):
                    self._add(name, value)

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._add(self._textarea, data.strip())
            self._textarea = ""

    def _add(self, name: str, value: str) -> None:
        if len(self.values[name]) < 2 * OFFERED:
            self.values[name].add(value)


@dataclass
class Known:
    """What is known of an address: rows that it has, names that it reads, and which are files."""

    ids: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def learn(site: Site, route: Route, method: str, most: int) -> Known:
    """Ask `route` for up to `most` of its rows. What pages and forms offer goes to the site."""
    known = Known(_ids(site, route, method))
    for pk in known.ids[:most]:
        values: Values = {}
        for _round in range(ROUNDS if method == "post" else 1):
            read, before = ReadNames(), len(known.names)
            with read.watched():
                answer = site.request(method, _url(route, pk), values)
            if answer.status_code == NOT_ALLOWED:
                return Known()
            _note_offers(site, read, answer)
            known.names |= read.values | read.files
            known.files |= read.files
            values = {name: [_usual(site, name)] for name in known.names}
            if len(known.names) == before:
                break
    return known


def _ids(site: Site, route: Route, method: str) -> list[int]:
    """The rows below `route`, or any one number for an address without; perhaps it takes no
    `method`.
    """
    if not route.arguments or route.is_admin or "pk" not in route.arguments:
        return site.ids[:1]
    start = route.path.partition(">")[0]
    if start not in site.ids_of:
        there: list[int] = []
        for pk in site.ids:
            code = site.status(method, _url(route, pk))
            if code == NOT_ALLOWED:  # whatever the row
                return []
            there += [pk] if code != 404 else []
        site.ids_of[start] = there
    ids = site.ids_of[start]
    assert ids, f"no row of tests/addresses/rows.py has the address {route.path}"
    return ids


def _url(route: Route, pk: int) -> str:
    return route.url(dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PHONE)})


def _note_offers(site: Site, read: ReadNames, answer: Any) -> None:
    for name, values in read.offered().items():
        site.offered[name] |= values
    if not answer.streaming and "html" in answer.headers.get("Content-Type", ""):
        page = PageValues(answer.content.decode())
        site.kinds |= page.kinds
        for name, values in page.values.items():
            site.offered[name] |= values


def _usual(site: Site, name: str) -> str:
    """A value that is offered, rather not an empty one."""
    return min(site.offered.get(name) or {"x"}, key=lambda value: (not value, value))
