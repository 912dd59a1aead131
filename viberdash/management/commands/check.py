"""`manage.py check`: Django's checks, and what is unusual about this installation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.commands import check
from django.db import Error, connection

from campaigns.team.brand_keys.in_use import environment_name
from campaigns.team.models import Brand, Installation


class Command(check.Command):
    def handle(self, *app_labels: Any, **options: Any) -> None:
        # only for this command: each of the others would ask the database too
        checks.register(unusual_state, "installation")
        super().handle(*app_labels, **options)


def unusual_state(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """Warnings of what stops sending or has no effect; none while the database can't tell."""
    if settings.SQLITE and not Path(connection.settings_dict["NAME"]).exists():
        return []  # asking would make the file
    try:
        return [*safe_mode(), *keys_without_brand()]
    except Error:
        return []


def safe_mode() -> Iterator[checks.CheckMessage]:
    for installation in Installation.objects.filter(safe_since__isnull=False):
        yield checks.Warning(
            f"Safe mode is on since {installation.safe_since:%Y-%m-%d %H:%M} UTC, as the database"
            " was restored: nothing is sent.",
            hint="Look at the campaigns under way. Then end it on any page, or with"
            " manage.py confirm_restore.",
            id="viberdash.W001",
        )


def keys_without_brand() -> Iterator[checks.CheckMessage]:
    slugs = Brand.objects.order_by("slug").values_list("slug", flat=True)
    fitting = {environment_name(slug): slug for slug in slugs}
    for prefix, named in (
        ("BSG_API_KEY_", settings.BRAND_API_KEYS),
        ("BSG_API_URL_", settings.BRAND_API_URLS),
    ):
        for name in sorted(named.keys() - fitting.keys()):
            yield checks.Warning(
                f"{prefix}{name} is of no brand, so it is not used.",
                hint=f"The short names of the brands are: {', '.join(fitting.values())}.",
                id="viberdash.W002",
            )
