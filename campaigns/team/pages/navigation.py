"""What surrounds every page: the sections, the environment badge, safe mode and the user."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.environment import Environment, environment, key_fingerprint
from campaigns.shared.brands.scope import MAIN, without_brand
from campaigns.team import accounts, safe_mode
from campaigns.team.models import GatewayAccount, User
from campaigns.team.pages.brands.middleware import brands_of_request
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, role_name
from viberdash import __version__
from viberdash.insecure import DANGERS

SECTIONS: tuple[tuple[str | Promise, str, str, tuple[str, ...]], ...] = (
    # label, name of its first page, icon, what the paths of its pages begin with
    (_("Dashboard"), "dashboard", "layout-dashboard", ()),
    (_("Campaigns"), "campaign-list", "send", ("/campaigns/",)),
    (_("Contacts"), "list-list", "users", ("/contacts/",)),
    (_("Spend"), "spend", "coin", ("/spend/",)),
    (_("Settings"), "settings", "settings", ("/settings/", "/account/")),
)


# the tabs of the Campaigns pages: name, label, whether the page has the filters of the list
CAMPAIGN_TABS: tuple[tuple[str, str | Promise, bool], ...] = (
    ("campaign-list", _("List"), True),
    ("campaign-calendar", _("Calendar"), True),
    ("best-times", _("Best times"), False),
    ("series-list", _("Series"), False),
    ("trigger-list", _("Triggers"), False),
    ("template-list", _("Templates"), False),
    ("picture-list", _("Images"), False),
)


def campaign_tabs(current: str, filters: str = "") -> list[dict[str, object]]:
    """The tabs of the Campaigns pages for components/tabs.html. `current`: the name of the page;
    `filters`: the query that pages with filters keep.
    """
    return [
        {
            "label": label,
            "url": reverse(name) + (filters if has_filters else ""),
            "here": name == current,
        }
        for name, label, has_filters in CAMPAIGN_TABS
    ]


@dataclass(frozen=True, slots=True)
class Section:
    label: str | Promise
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class EnvironmentBadge:
    """Shown on every page where nothing is really sent."""

    label: str | Promise
    explanation: str | Promise


SANDBOX = EnvironmentBadge(
    _("Sandbox"), _("Messages go to a simulated gateway. Nothing is delivered or charged.")
)
TEST_KEY = EnvironmentBadge(
    _("Test key"),
    _("The gateway answers with random data. Nothing is delivered or charged."),
)


def environment_badge() -> EnvironmentBadge | None:
    badges = {Environment.SANDBOX: SANDBOX, Environment.TEST: TEST_KEY}
    return badges.get(environment())


@dataclass(frozen=True, slots=True)
class NewKey:
    """What an administrator has to decide: whose key this installation, or the brand that is acted
    for, uses since it changed.
    """

    is_of_brand: bool  # its own, not that of the environment
    mark: str  # tells a form whether the key has changed again
    same_environment: list[GatewayAccount]
    known: tuple[GatewayAccount, ...]


def new_key(known: accounts.Accounts) -> NewKey | None:
    if not known.is_new_key:
        return None
    return NewKey(known.is_of_brand, key_mark(), known.same_environment(), known.known)


def key_mark() -> str:
    return key_fingerprint()[:12]


def insecure_settings(user: User | AnonymousUser) -> list[tuple[str, str]]:
    """Name and danger of each setting that is not safe but allowed, for administrators alone."""
    if not settings.INSECURE_SETTINGS or not is_administrator(user):
        return []
    return [(name, gettext(DANGERS[name])) for name in settings.INSECURE_SETTINGS]


def is_administrator(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and has_permission(user, Permission.OPERATE)


@dataclass(frozen=True, slots=True)
class BrandLink:
    """A brand of the user, in the menu that leads from one to another."""

    name: str
    url: str
    is_current: bool


def brand_links(request: HttpRequest) -> list[BrandLink]:
    """The brands of the user; none where there is one alone."""
    own = brands_of_request(request)
    if own is None or len(own.all) < 2:
        return []
    base = without_brand(get_script_prefix())
    return [
        BrandLink(
            brand.name,
            base if brand.pk == MAIN else f"{base}b/{brand.slug}/",
            brand == own.current,
        )
        for brand in own.all
    ]


def sections(path: str) -> list[Section]:
    """The entries of the side bar; the one that `path` belongs to is current."""
    entries = []
    for label, name, icon, beginnings in SECTIONS:
        url = reverse(name)
        entries.append(Section(label, url, icon, path == url or path.startswith(beginnings)))
    return entries


def initials(user: User | AnonymousUser) -> str:
    """One or two letters for the avatar."""
    name = user.get_full_name() if isinstance(user, User) else ""
    parts = (name or user.get_username()).split()
    return "".join(part[0] for part in parts[:2]).upper()


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `navigation` for the templates around every page."""
    user = getattr(request, "user", AnonymousUser())
    known, links = accounts.cached(), brand_links(request)
    return {
        "navigation": {
            "sections": sections(request.path),
            "environment": environment_badge(),
            "account": known.current,
            "has_several_accounts": len(known.known) > 1,
            "new_key": new_key(known),
            "key_problem": known.problem,
            "safe_mode": safe_mode.in_safe_mode(),
            "insecure_settings": insecure_settings(user),
            "is_administrator": is_administrator(user),
            "initials": initials(user),
            "role": role_name(user) if isinstance(user, User) else "",
            "brands": links,
            "brand": next((link.name for link in links if link.is_current), ""),
            "version": __version__,
        }
    }
