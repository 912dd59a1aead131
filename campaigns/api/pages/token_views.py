"""Settings -> API: tokens are made, shown once, and revoked."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.api.pages.token_forms import TokenForm
from campaigns.shared.paging import page_of
from campaigns.team.models import User
from campaigns.team.pages.access import current_user
from campaigns.team.pages.sign_in.fresh import fresh_to_change
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.tokens import tokens
from campaigns.team.tokens.models import ApiToken


@fresh_to_change
@once
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The user's tokens in this brand, for administrators those of all; and the form for one."""
    user = current_user(request)
    form = TokenForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, scopes = form.cleaned_data["name"], form.permissions()
        addresses = form.cleaned_data["addresses"]
        try:
            made, text = tokens.issue(
                user, name, scopes, expires_at=form.expires_at(), addresses=addresses
            )
        except tokens.Refused as refused:
            form.add_error("name", str(refused))
        else:
            return _page(request, TokenForm(user), made=made, token_text=text)
    return _page(request, form)


def _page(request: HttpRequest, form: TokenForm, **more: object) -> HttpResponse:
    user = current_user(request)
    page = page_of(request, _visible(user).select_related("owner"))
    now = timezone.now()
    context = {
        "page": page,
        "rows": [(token, _state(token), token.is_over(now)) for token in page],
        "form": form,
        "can_edit": True,
        "sees_all": has_permission(user, Permission.MANAGE_TEAM),
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/api/tokens.html", context | more, status=status)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    user = current_user(request)
    token = get_object_or_404(_visible(user), pk=pk)
    if tokens.revoke(token, user):
        text = _("The token “%(name)s” is revoked.")
        messages.success(request, text % {"name": token.name})
    return redirect("token-list")


def _visible(user: User) -> QuerySet[ApiToken]:
    every = ApiToken.objects.all()
    return every if has_permission(user, Permission.MANAGE_TEAM) else every.filter(owner=user)


def _state(token: ApiToken) -> str:
    if token.revoked_at:
        return _("Revoked")
    return _("Expired") if token.is_over(timezone.now()) else _("Valid")
