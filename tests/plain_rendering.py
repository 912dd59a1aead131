"""The fixture `plain_rendering`, for tests that ask hundreds of pages, and `without_rendering`."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.template.base import Template


@pytest.fixture
def plain_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates keep no copy of their context for the test: that takes longer than to render."""
    monkeypatch.setattr(
        Template, "_render", lambda template, context: template.nodelist.render(context)
    )


@contextmanager
def without_rendering() -> Iterator[None]:
    """Templates are found, but give nothing: for statuses alone, in a fraction of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", lambda _template, _context: "")
        yield
