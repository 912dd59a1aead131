"""The fixture `plain_rendering`, for tests that ask hundreds of pages."""

import pytest
from django.template.base import Template


@pytest.fixture
def plain_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates keep no copy of their context for the test: that takes longer than to render."""
    monkeypatch.setattr(
        Template, "_render", lambda template, context: template.nodelist.render(context)
    )
