"""The tabs of the room Contacts."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _


def tabs(here: str) -> list[dict[str, Any]]:
    """Each tab with its words and address; `here` is the one that is open."""
    named = (
        ("lists", _("Lists"), "list-list"),
        ("segments", _("Segments"), "segment-list"),
        ("stop", _("Stop list"), "stop-list"),
        ("imports", _("Imports"), "import-list"),
        ("people", _("People"), "person-search"),
    )
    return [{"label": label, "url": reverse(url), "here": key == here} for key, label, url in named]
