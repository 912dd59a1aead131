"""Pages in Settings: senders, test groups, labels, approval limits and the need of consent."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import approval
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import labels
from campaigns.compose.library import test_groups as test_group_library
from campaigns.compose.library.labels import labels_with_counts
from campaigns.compose.library.senders import add_sender, remove_sender, senders_with_use
from campaigns.compose.models import ApprovalLimit, Label, Sender, TestGroup
from campaigns.compose.pages.settings_forms import (
    LabelForm,
    LimitForm,
    NeedsConsentForm,
    SenderForm,
    TestGroupForm,
)
from campaigns.contacts.models import Consent, Person
from campaigns.shared.brands.scope import brand_of_new
from campaigns.team import brands
from campaigns.team.models import Brand
from campaigns.team.pages.access import (
    current_user,
    get_object_for,
    permission_required,
    require_permission,
)
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, users_with_permission

PAGE_SIZE = 50


@once
@require_http_methods(["GET", "HEAD", "POST"])
def senders(request: HttpRequest) -> HttpResponse:
    """The senders; administrators add to them."""
    user = current_user(request)
    form = SenderForm(request.POST or None)
    if request.method == "POST":
        require_permission(user, Permission.MANAGE_SENDERS)
        if form.is_valid():
            add_sender(form.save(commit=False), user)
            messages.success(
                request, _("Sender “%(name)s” added.") % {"name": form.cleaned_data["name"]}
            )
            return redirect("sender-list")
    page = Paginator(senders_with_use(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "form": form,
        "can_edit": has_permission(user, Permission.MANAGE_SENDERS),
    }
    return render(request, "campaigns/compose/senders.html", context)


@require_POST
def sender_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a sender that no campaign uses."""
    user = current_user(request)
    sender = get_object_for(user, Sender.objects.all(), Permission.MANAGE_SENDERS, pk=pk)
    try:
        remove_sender(sender, user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Sender “%(name)s” removed.") % {"name": sender.name})
    return redirect("sender-list")


@once
@permission_required(Permission.COMPOSE)
@require_http_methods(["GET", "HEAD", "POST"])
def test_groups(request: HttpRequest) -> HttpResponse:
    """The test groups, and a form to add one."""
    form = TestGroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        group = form.save(commit=False)
        test_group_library.add(group, current_user(request))
        messages.success(request, _("Test group “%(name)s” added.") % {"name": group.name})
        return redirect("test-groups")
    context = {"groups": TestGroup.objects.all(), "form": form, "can_edit": True}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/test_groups.html", context, status=status)


@require_POST
def test_group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a test group; tests already sent to it stay."""
    group = get_object_for(
        current_user(request), TestGroup.objects.all(), Permission.COMPOSE, pk=pk
    )
    test_group_library.delete(group, current_user(request))
    messages.success(request, _("Test group “%(name)s” deleted.") % {"name": group.name})
    return redirect("test-groups")


@once
@require_http_methods(["GET", "HEAD", "POST"])
def label_list(request: HttpRequest) -> HttpResponse:
    """The labels, each with its number of campaigns; marketers add to them."""
    return _label_page(request, LabelForm(request.POST or None))


@require_http_methods(["GET", "HEAD", "POST"])
def label_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the name or the colour of a label, on every campaign that has it."""
    label = get_object_for(current_user(request), Label.objects.all(), Permission.COMPOSE, pk=pk)
    return _label_page(request, LabelForm(request.POST or None, instance=label))


def _label_page(request: HttpRequest, form: LabelForm) -> HttpResponse:
    user = current_user(request)
    if request.method == "POST":
        require_permission(user, Permission.COMPOSE)
        if form.is_valid():
            labels.save(form.save(commit=False), user)
            messages.success(
                request, _("Label “%(name)s” saved.") % {"name": form.cleaned_data["name"]}
            )
            return redirect("label-list")
    page = Paginator(labels_with_counts(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "can_edit": has_permission(user, Permission.COMPOSE)}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/labels.html", context, status=status)


@require_POST
def label_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a label; the campaigns that had it stay."""
    user = current_user(request)
    label = get_object_for(user, Label.objects.all(), Permission.COMPOSE, pk=pk)
    labels.delete(label, user)
    messages.success(request, _("Label “%(name)s” deleted.") % {"name": label.name})
    return redirect("label-list")


@once
@require_http_methods(["GET", "HEAD", "POST"])
def approval_limits(request: HttpRequest) -> HttpResponse:
    """The approval limits and the approvers; administrators set the limits."""
    user = current_user(request)
    form = LimitForm(request.POST or None)
    if request.method == "POST":
        require_permission(user, Permission.MANAGE_LIMITS)
        require_fresh(request)
        if form.is_valid():
            approval.set_limit(form.cleaned_data["currency"], form.cleaned_data["amount"], user)
            messages.success(request, _("Approval limit saved."))
            return redirect("approval-limits")
    context = {
        "limits": ApprovalLimit.objects.all(),
        "approvers": users_with_permission(Permission.APPROVE).order_by("username"),
        "form": form,
        "can_edit": has_permission(user, Permission.MANAGE_LIMITS),
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/approval_limits.html", context, status=status)


@require_POST
def approval_limit_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the approval limit of a currency."""
    user = current_user(request)
    limit = get_object_for(user, ApprovalLimit.objects.all(), Permission.MANAGE_LIMITS, pk=pk)
    require_fresh(request)
    approval.remove_limit(limit, user)
    messages.success(
        request, _("Approval limit in %(currency)s removed.") % {"currency": limit.currency}
    )
    return redirect("approval-limits")


@require_http_methods(["GET", "HEAD", "POST"])
def consent_setting(request: HttpRequest) -> HttpResponse:
    """Whether promotional campaigns of the brand leave out who did not agree; administrators set
    it.
    """
    user, brand = current_user(request), Brand.objects.get(pk=brand_of_new())
    form = NeedsConsentForm(brand, request.POST or None)
    if request.method == "POST":
        require_permission(user, Permission.MANAGE_LIMITS)
        require_fresh(request)
        brands.set_needs_consent(user, brand, "needs_consent" in request.POST)
        messages.success(request, _("Saved."))
        return redirect("consent-setting")
    context = {
        "form": form,
        "brand": brand,
        "given": Person.objects.filter(consent=Consent.GIVEN).count(),
        "can_edit": has_permission(user, Permission.MANAGE_LIMITS),
    }
    return render(request, "campaigns/compose/consent_setting.html", context)
