"""What every page shows around its content: the rooms, the sign that nothing is really sent, who is
signed in.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.team import safe_mode
from campaigns.team.access import has_role
from campaigns.team.models import Role, User
from viberdash import __version__

REAL_GATEWAY = "bsg.world"
ROOMS: tuple[tuple[str | Promise, str, str, tuple[str, ...]], ...] = (
    # label, address, icon, what its pages' addresses begin with
    (_("Dashboard"), "dashboard", "layout-dashboard", ()),
    (_("Campaigns"), "campaign-list", "send", ("/campaigns/",)),
    (_("Contacts"), "list-list", "users", ("/contacts/",)),
    (_("Spend"), "spend", "coin", ("/spend/",)),
    (_("Settings"), "settings", "settings", ("/settings/", "/account/")),
)


@dataclass(frozen=True, slots=True)
class Room:
    label: str | Promise
    url: str
    icon: str
    here: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """Said on every page: what is sent here reaches nobody."""

    label: str | Promise
    explanation: str | Promise


SANDBOX = Sign(
    _("Sandbox"), _("Messages go to a stand-in gateway. Nobody gets them and nothing is charged.")
)
TEST_KEY = Sign(
    _("Test key"),
    _("The gateway answers with random data. Nobody gets a message and nothing is charged."),
)


def real_gateway() -> bool:
    """Whether messages go to BSG and not to a stand-in."""
    host = urlsplit(settings.BSG_API_URL).hostname or ""
    return host == REAL_GATEWAY or host.endswith(f".{REAL_GATEWAY}")


def key_kind() -> str:
    """All that a page may say about the key: "live", "test" or "other"."""
    return next(
        (kind for kind in ("live", "test") if settings.BSG_API_KEY.startswith(f"{kind}_")), "other"
    )


def sign() -> Sign | None:
    if not real_gateway():
        return SANDBOX
    return TEST_KEY if key_kind() == "test" else None


def rooms(path: str) -> list[Room]:
    """The side bar, with the room that `path` stands in."""
    found = []
    for label, name, icon, beginnings in ROOMS:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        found.append(Room(label, url, icon, path == url or path.startswith(beginnings)))
    return found


def initials(user: User | AnonymousUser) -> str:
    """One or two letters for the round sign beside a name."""
    name = user.get_full_name() if isinstance(user, User) else ""
    words = (name or user.get_username()).split()
    return "".join(word[0] for word in words[:2]).upper()


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell` for the templates around every page."""
    user = getattr(request, "user", AnonymousUser())
    return {
        "shell": {
            "rooms": rooms(request.path),
            "sign": sign(),
            "safe_mode": safe_mode.in_safe_mode(),
            "administrates": isinstance(user, User) and has_role(user, Role.ADMINISTRATOR),
            "initials": initials(user),
            "version": __version__,
        }
    }
