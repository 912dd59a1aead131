"""The pages of frequency caps; administrators set them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.audience import frequency_cap
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import frequency_caps
from campaigns.compose.models import FrequencyCap
from campaigns.compose.pages.draft_request import draft_of
from campaigns.compose.pages.frequency_cap.forms import BrandCapForm, CampaignCapForm
from campaigns.shared.brands.scope import brand_of_new
from campaigns.team.pages.access import current_user, require_permission
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission


@once
@require_http_methods(["GET", "HEAD", "POST"])
def brand_cap(request: HttpRequest) -> HttpResponse:
    """How many promotional messages a person may get from the brand; administrators set it."""
    user, cap = current_user(request), frequency_cap.brand_cap(brand_of_new())
    form = BrandCapForm(request.POST or None, instance=cap)
    if request.method == "POST":
        require_permission(user, Permission.MANAGE_LIMITS)
        require_fresh(request)
        if form.is_valid():
            frequency_caps.set_brand_cap(**form.cleaned_data, actor=user)
            messages.success(request, _("Frequency cap set. It applies to what is launched now."))
            return redirect("frequency-cap")
    saved = frequency_cap.brand_cap(brand_of_new())  # the form has changed the other
    context = {
        "cap": saved and frequency_cap.Cap(saved.messages, saved.days),
        "form": form,
        "can_edit": has_permission(user, Permission.MANAGE_LIMITS),
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/frequency_cap.html", context, status=status)


@require_POST
def brand_cap_remove(request: HttpRequest) -> HttpResponse:
    """Let the brand have no cap."""
    user = current_user(request)
    require_permission(user, Permission.MANAGE_LIMITS)
    require_fresh(request)
    for cap in FrequencyCap.objects.filter(brand=brand_of_new()):
        frequency_caps.remove_brand_cap(cap, user)
        messages.success(request, _("Frequency cap removed."))
    return redirect("frequency-cap")


@once
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_cap(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft another cap than its brand has, or none."""
    user, campaign = current_user(request), draft_of(request, pk, Permission.MANAGE_LIMITS)
    try:
        frequency_caps.require_can_have_own(campaign)
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect(campaign)
    back = reverse("campaign-review", args=[pk])
    of_brand = FrequencyCap.objects.get(brand=campaign.brand_id)
    shown = frequency_cap.Cap(of_brand.messages, of_brand.days)
    form = CampaignCapForm(request.POST or None, campaign, shown, back)
    if request.method == "POST" and form.is_valid():
        require_fresh(request)
        try:
            frequency_caps.set_campaign_cap(campaign, *form.columns, user)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect(campaign)
        messages.success(request, _("Frequency cap of “%(name)s” saved.") % {"name": campaign.name})
        return redirect(back)
    context = {"campaign": campaign, "form": form, "back": back}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/campaign_cap.html", context, status=status)
