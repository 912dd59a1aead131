"""What templates keep for a test: `outermost_contexts` for all, the fixture `plain_rendering` for
tests that ask hundreds of pages, and `without_rendering`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.template import Context
from django.template.base import Template


@pytest.fixture(scope="session", autouse=True)
def outermost_contexts(django_test_environment: None) -> Iterator[None]:
    """A page keeps its own context for the test, not those of the dozens of templates in it."""
    keeping: Callable[[Template, Context], str] = vars(Template)["_render"]

    def render(template: Template, context: Context) -> str:
        if context.template is template:
            return keeping(template, context)
        return template.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


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
