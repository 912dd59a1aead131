"""Settings -> Team: administrators invite users, change roles, close and reopen accounts."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaigns.shared.paging import page_of
from campaigns.team import audit
from campaigns.team.brands import are_several, roles_of
from campaigns.team.handover import work_of
from campaigns.team.models import Brand, Role, User
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.brands.forms import BrandRolesForm
from campaigns.team.pages.member_forms import CloseForm, InviteForm, RoleForm
from campaigns.team.pages.sign_in.fresh import fresh_to_change
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import role_name
from campaigns.team.sign_in import factor_resets, factors, members
from campaigns.team.sign_in.links import HOURS
from campaigns.team.sign_in.sessions import sessions_of

ENTRIES = 20  # of the trail
FACTOR_STEPS = {
    "ask": (factor_resets.ask, gettext_lazy("Another administrator has to confirm this.")),
    "confirm": (factor_resets.confirm, gettext_lazy("The second factor is removed.")),
    "withdraw": (factor_resets.withdraw, gettext_lazy("The request is withdrawn.")),
}


@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
@once
def member_list(request: HttpRequest) -> HttpResponse:
    """All users, closed ones last; and the form that invites one."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        member = members.invite(current_user(request), form.save(commit=False), request)
        if members.can_be_mailed(member):
            text = _("The invitation is being e-mailed to %(address)s.")
            messages.success(request, text % {"address": member.email})
        return redirect("member", member.pk)
    users = User.objects.prefetch_related("memberships").order_by("-is_active", "username")
    page = page_of(request, users)
    for each in page:
        vars(each)["role_name"] = role_name(each)
    context = {"page": page, "form": form, "can_edit": True}
    return render(request, "campaigns/team/members.html", context)


@require_safe
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """One user: role, state, and what was done to and by the account."""
    return _page(request, _get(request, pk))


@require_POST
@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
def member_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the role of a user; where there are several brands, the roles in them."""
    chosen = _get(request, pk)
    if are_several():
        return _change_roles(request, chosen)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a role."))
        return redirect("member", pk)
    role = Role(form.cleaned_data["role"])
    return _change(
        request,
        chosen,
        lambda: members.change_role(current_user(request), pk, role),
        _("The role of %(name)s is %(role)s.") % {"name": chosen.username, "role": role.label},
    )


def _change_roles(request: HttpRequest, chosen: User) -> HttpResponse:
    form = BrandRolesForm(Brand.objects.all(), roles_of(chosen), request.POST)
    if not form.is_valid():
        return _page(request, chosen, roles_form=form)
    return _change(
        request,
        chosen,
        lambda: members.change_roles(current_user(request), chosen.pk, form.roles()),
        _("The roles of %(name)s were changed.") % {"name": chosen.username},
    )


@require_POST
@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
def member_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an account, and say who takes over what runs in the user's name."""
    chosen = _get(request, pk)
    form = CloseForm(work_of(chosen), request.POST)
    if chosen.is_active and not form.is_valid():
        return _page(request, chosen, close_form=form)
    takers = form.takers() if form.is_valid() else {}
    said = _("The account %(name)s is closed.") % {"name": chosen.username}
    return _change(request, chosen, lambda: members.close(current_user(request), pk, takers), said)


@require_POST
@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
def member_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    chosen = _get(request, pk)
    said = _("The account %(name)s is open again.") % {"name": chosen.username}
    return _change(request, chosen, lambda: members.reopen(current_user(request), pk), said)


@require_POST
def member_sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    chosen = _get(request, pk)
    said = _("%(name)s is signed out everywhere.") % {"name": chosen.username}
    return _change(request, chosen, lambda: members.sign_out(current_user(request), pk), said)


@require_POST
@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
def member_factor(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """Two administrators remove the second factors of a user who lost them: `step` by step."""
    chosen = _get(request, pk)
    if step not in FACTOR_STEPS:
        raise Http404
    move, said = FACTOR_STEPS[step]
    return _change(request, chosen, lambda: move(current_user(request), pk), str(said))


@require_POST
@permission_required(Permission.MANAGE_TEAM)
@fresh_to_change
def member_link(request: HttpRequest, pk: int) -> HttpResponse:
    """E-mail the invitation again, or show a link to hand over."""
    chosen = _get(request, pk)
    try:
        link = members.invite_again(current_user(request), pk, request)
    except members.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("member", pk)
    if link:
        return _page(request, chosen, link=link)
    text = _("The invitation is being e-mailed to %(address)s.")
    messages.success(request, text % {"address": chosen.email})
    return redirect("member", pk)


def _get(request: HttpRequest, pk: int) -> User:
    return get_object_for(current_user(request), User.objects.all(), Permission.MANAGE_TEAM, pk=pk)


def _page(request: HttpRequest, chosen: User, **more: Any) -> HttpResponse:
    brands = Brand.objects.all()
    context = {
        "roles_form": BrandRolesForm(brands, roles_of(chosen)) if len(brands) > 1 else None,
        "member": chosen,
        "role_name": role_name(chosen),
        "form": RoleForm(initial={"role": chosen.role}),
        "close_form": CloseForm(work_of(chosen)),
        "can_be_mailed": members.can_be_mailed(chosen),
        "hours": HOURS,
        "sessions": sessions_of(chosen),
        "has_factor": factors.has_factor(chosen),
        "factor_reset": factor_resets.pending(chosen),
        "entries": audit.activity(chosen)[:ENTRIES],
    }
    return render(request, "campaigns/team/member.html", context | more)


def _change(
    request: HttpRequest, chosen: User, change: Callable[[], None], said: str
) -> HttpResponse:
    try:
        change()
    except members.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("member", chosen.pk)
