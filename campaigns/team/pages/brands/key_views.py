"""Settings -> Brands -> API key: administrators set the key of a brand, and remove it. No page
shows a key again.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import get_script_prefix
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.gateway.environment import Environment, environment, key_kind
from campaigns.gateway.key_in_use import using
from campaigns.shared.brands.scope import MAIN, without_brand
from campaigns.team import accounts
from campaigns.team.brand_keys import encryption, in_use, storage
from campaigns.team.models import Brand, BrandKey
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.brands.forms import BrandKeyForm
from campaigns.team.pages.sign_in.fresh import fresh_to_change, require_fresh
from campaigns.team.permissions import Permission


@dataclass(frozen=True, slots=True)
class KeyState:
    """What is known of the key that a brand uses. `stored`: what an administrator set.

    `variable`: the name of the variable that has the brand's key, or would have it.
    """

    kind: str  # "live", "test" or "other"
    is_own: bool
    is_in_environment: bool
    variable: str
    problem: str
    stored: BrandKey | None
    account: str
    is_new: bool  # nobody has said yet whose key it is
    environment: str


@sensitive_post_parameters("api_key")
@permission_required(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def brand_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Which key the brand uses, and the form that sets one. It asks who it is before the key is
    typed, since no session keeps a form with a key.
    """
    require_fresh(request)
    brand = _brand(pk)
    form = BrandKeyForm(request.POST or None)
    if request.method == "POST" and not _can_set(brand):
        messages.error(request, _("The key can't be set here."))
        return redirect("brand-key", pk)
    if request.method == "POST" and form.is_valid():
        try:
            storage.store(current_user(request), brand, form.cleaned_data["api_key"])
        except storage.Refused as refused:
            form.add_error("api_key", str(refused))
        else:
            messages.success(request, _("The API key is set. It is not shown again."))
            return redirect("brand-key", pk)
    return _page(request, brand, form)


@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
def brand_key_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the brand use the key of the environment again."""
    if storage.remove(current_user(request), _brand(pk)):
        messages.success(request, _("The API key was removed."))
    return redirect("brand-key", pk)


def _brand(pk: int) -> Brand:
    return get_object_or_404(Brand.objects.select_related("own_key"), pk=pk)


def _can_set(brand: Brand) -> bool:
    return encryption.can_encrypt() and not in_use.is_in_environment(brand)


def _page(request: HttpRequest, brand: Brand, form: BrandKeyForm) -> HttpResponse:
    base = without_brand(get_script_prefix())
    context: dict[str, Any] = {
        "brand": brand,
        "state": _state_of(brand),
        "form": form if _can_set(brand) else None,
        "settings_url": f"{base if brand.pk == MAIN else f'{base}b/{brand.slug}/'}settings/",
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/team/brands/key.html", context, status=status)


def _state_of(brand: Brand) -> KeyState:
    with using(in_use.key_of_brand(brand.pk)) as key:
        known = accounts.load()
        return KeyState(
            kind=key_kind(),
            is_own=key.is_of_brand,
            is_in_environment=in_use.is_in_environment(brand),
            variable=f"BSG_API_KEY_{in_use.environment_name(brand.slug)}",
            problem=key.problem,
            stored=getattr(brand, "own_key", None),
            account=known.current.name if known.current else "",
            is_new=known.is_new_key,
            environment=str(Environment(environment()).label),
        )
