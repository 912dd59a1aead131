"""Settings -> Brands: administrators make and rename them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.team import brands
from campaigns.team.brand_keys.in_use import all_keys
from campaigns.team.models import Brand
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.brands.forms import BrandForm
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission


@permission_required(Permission.MANAGE_TEAM)
@once
@require_http_methods(["GET", "HEAD", "POST"])
def brand_list(request: HttpRequest) -> HttpResponse:
    """All brands, and the form that makes one."""
    form = BrandForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            brand = brands.make(current_user(request), form.cleaned_data["name"])
        except brands.Refused as refused:
            form.add_error("name", str(refused))
        else:
            text = _("The brand “%(name)s” was made. Choose it in the menu to work in it.")
            messages.success(request, text % {"name": brand.name})
            return redirect("brand-list")
    return _page(request, form)


@permission_required(Permission.MANAGE_TEAM)
@require_http_methods(["GET", "HEAD", "POST"])
def brand_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a brand another name."""
    brand = get_object_or_404(Brand, pk=pk)
    form = BrandForm(request.POST or None, initial={"name": brand.name}, verb=_("Rename"))
    if request.method == "POST" and form.is_valid():
        try:
            brands.rename(current_user(request), brand, form.cleaned_data["name"])
        except brands.Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("brand-list")
    return _page(request, form, Brand.objects.get(pk=pk))


def _page(request: HttpRequest, form: BrandForm, renamed: Brand | None = None) -> HttpResponse:
    rows = brands.with_members()
    own_keys = {brand_id for key in all_keys(rows) for brand_id in key.brands}
    context = {
        "brands": rows,
        "own_keys": own_keys,
        "form": form,
        "renamed": renamed,
        "operates": has_permission(current_user(request), Permission.OPERATE),
        "can_edit": True,
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/team/brands/brands.html", context, status=status)
