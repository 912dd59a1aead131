"""The switch that holds all sending, of a brand or of all brands."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.dispatch import hold_effects
from campaigns.dispatch.hold_effects import HoldEffects, load_effects
from campaigns.dispatch.send.leases import count_under_way
from campaigns.shared.brands.scope import MAIN, acting_brand, all_brands
from campaigns.shared.query_values import read_text
from campaigns.team.holds import switch
from campaigns.team.holds.models import NOTE_MAX, SendingHold
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, permission_required, require_permission
from campaigns.team.pages.brands.middleware import brands_of_request
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

ALL = "all"  # the scope of a form: all brands, not that of the page


@dataclass(frozen=True, slots=True)
class SwitchShown:
    """The switch of a brand, or of all brands."""

    scope: str  # ALL or ""
    brand: str  # its name, where there are several; "" for all
    held: SendingHold | None
    effects: HoldEffects


@permission_required(Permission.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest) -> HttpResponse:
    """What a hold would stop, and the switch. POST: hold."""
    user = current_user(request)
    if request.method != "POST":
        switches = [_switch(request, scope) for scope in _scopes(request, user)]
        context = {"switches": switches, "note_max": NOTE_MAX}
        return render(request, "campaigns/dispatch/hold.html", context)
    brand_id = _brand_of_form(request, user)
    _made, is_new = switch.hold(user, brand_id, read_text(request.POST, "note"))
    if is_new:
        messages.success(request, held_text(count_under_way(brand_id)))
    else:
        messages.info(request, _("Sending was held already."))
    return redirect("dashboard")


@permission_required(Permission.SEND)
@require_POST
def release(request: HttpRequest) -> HttpResponse:
    """Go on with sending."""
    user = current_user(request)
    brand_id = _brand_of_form(request, user)
    if not hold_effects.release(user, brand_id):
        messages.info(request, _("Sending was released already."))
    elif switch.current_holds(brand_id):
        messages.warning(request, _("Released. Sending of all brands is still held."))
    else:
        messages.success(request, _("Released. Everything goes on where it was."))
    return redirect("dashboard")


def held_text(under_way: int) -> str:
    """That sending is held, and what leaves all the same."""
    if not under_way:
        return _("Sending is held. No request was open.")
    text = ngettext(
        "Sending is held. The request to %(number)s recipient was open and may still arrive.",
        "Sending is held. Requests to %(number)s recipients were open and may still arrive.",
        under_way,
    )
    return text % {"number": number_format(under_way, force_grouping=True)}


def _scopes(request: HttpRequest, user: User) -> list[str]:
    """The switches that the user may use; that of all brands where there are several."""
    own = brands_of_request(request)
    is_several = own is not None and len(own.all) > 1
    is_all_held = any(held.brand_id is None for held in switch.current_holds(None))
    may_hold_all = has_permission(user, Permission.OPERATE) and (is_several or is_all_held)
    return ["", ALL] if may_hold_all else [""]


def _switch(request: HttpRequest, scope: str) -> SwitchShown:
    brand_id = None if scope == ALL else _current_brand()
    held = [each for each in switch.current_holds(brand_id) if each.brand_id == brand_id]
    own = brands_of_request(request)
    is_named = scope != ALL and own is not None and len(own.all) > 1
    name = own.current.name if own and is_named else ""
    with all_brands():
        effects = load_effects(brand_id)
    return SwitchShown(scope, name, held[0] if held else None, effects)


def _brand_of_form(request: HttpRequest, user: User) -> int | None:
    """The brand to hold; None for all, which takes whoever runs the installation."""
    if request.POST.get("scope") != ALL:
        return _current_brand()
    require_permission(user, Permission.OPERATE)
    return None


def _current_brand() -> int:
    return acting_brand() or MAIN
