"""The tabs of the Contacts pages."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _


def tabs(active: str) -> list[dict[str, Any]]:
    """Label and address of each tab; `active` is the key of the open one."""
    rows = (
        ("lists", _("Lists"), "list-list"),
        ("segments", _("Segments"), "segment-list"),
        ("stop", _("Stop list"), "stop-list"),
        ("imports", _("Imports"), "import-list"),
        ("people", _("Search"), "person-search"),
    )
    return [
        {"label": label, "url": reverse(url_name), "here": key == active}
        for key, label, url_name in rows
    ]
