"""Labels and notes on the page of a campaign, its archive, and the room of labels in Settings."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import labels
from campaigns.compose.models import Campaign, Label, Note
from campaigns.team import audit
from campaigns.team.access import current_user, get_object_for, has_role, require_role
from campaigns.team.models import Role

if TYPE_CHECKING:
    LabelModelForm = forms.ModelForm[Label]
else:
    LabelModelForm = forms.ModelForm

PAGE = 50


class LabelForm(LabelModelForm):
    """A label's word and colour; one that is there by that name, in capitals or not, is refused."""

    class Meta:
        model = Label
        fields = ("name", "colour")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        verb = _("Save") if self.instance.pk else _("Add label")
        self.helper = FormHelper()
        self.helper.layout = Layout(
            "name", "colour", StrictButton(verb, type="submit", css_class="btn-primary")
        )

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if Label.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(gettext_lazy("This label is here already."))
        return name


@require_http_methods(["GET", "HEAD", "POST"])
def label_list(request: HttpRequest) -> HttpResponse:
    """The room of labels: how many campaigns carry each; marketers add to it."""
    return _label_page(request, LabelForm(request.POST or None), "added")


@require_http_methods(["GET", "HEAD", "POST"])
def label_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Another word or colour for a label, on every campaign that carries it."""
    label = get_object_for(current_user(request), Label.objects.all(), Role.MARKETER, pk=pk)
    return _label_page(request, LabelForm(request.POST or None, instance=label), "edited")


def _label_page(request: HttpRequest, form: LabelForm, action: str) -> HttpResponse:
    user = current_user(request)
    if request.method == "POST":
        require_role(user, Role.MARKETER)
        if form.is_valid():
            with transaction.atomic():
                audit.record(user, form.save(), action, form.cleaned_data["name"])
            messages.success(
                request, _("Label “%(name)s” is saved.") % {"name": form.cleaned_data["name"]}
            )
            return redirect("label-list")
    page = Paginator(labels.used_labels(), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "can_edit": has_role(user, Role.MARKETER)}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/labels.html", context, status=status)


@require_POST
def label_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a label: the campaigns that carried it stay."""
    user = current_user(request)
    label = get_object_for(user, Label.objects.all(), Role.MARKETER, pk=pk)
    audit.delete(user, label, "deleted", label.name)
    messages.success(request, _("Label “%(name)s” is deleted.") % {"name": label.name})
    return redirect("label-list")


def _campaign(request: HttpRequest, pk: int) -> Campaign:
    return get_object_for(current_user(request), Campaign.objects.all(), Role.MARKETER, pk=pk)


@require_POST
def campaign_labels(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a label on (`name`), or take one off (`remove`). For htmx: the labels as they are now."""
    campaign, wrong = _campaign(request, pk), ""
    try:
        if (remove := request.POST.get("remove", "")).isdecimal():
            labels.take_label(
                campaign,
                get_object_for(current_user(request), campaign.labels.all(), pk=remove),
                current_user(request),
            )
        else:
            labels.put_label(campaign, request.POST.get("name", ""), current_user(request))
    except Refused as refused:
        wrong = str(refused)
    if request.headers.get("HX-Request"):
        context = {
            "campaign": campaign,
            "all_labels": Label.objects.all(),
            "can_label": True,
            "wrong": wrong,
        }
        return render(request, "campaigns/compose/_labels.html", context)
    if wrong:
        messages.error(request, wrong)
    return redirect(campaign)


@require_POST
def campaign_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note on the page of a campaign."""
    campaign = _campaign(request, pk)
    try:
        labels.write_note(campaign, request.POST.get("text", ""), current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('campaign-detail', args=[pk])}?tab=notes#tabs")


@require_POST
def note_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a note: one's own, or as an administrator any."""
    user = current_user(request)
    note = get_object_for(user, Note.objects.select_related("campaign"), Role.MARKETER, pk=pk)
    if not labels.may_delete(note, user):
        require_role(user, Role.ADMINISTRATOR)
    labels.delete_note(note, user)
    messages.success(request, _("The note is deleted."))
    return redirect(f"{reverse('campaign-detail', args=[note.campaign_id])}?tab=notes#tabs")


@require_POST
def campaign_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Out of the list."""
    campaign = _campaign(request, pk)
    try:
        labels.archive(campaign, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(
        request, _("“%(name)s” is archived; its figures still count.") % {"name": campaign.name}
    )
    return redirect(campaign)


@require_POST
def campaign_unarchive(request: HttpRequest, pk: int) -> HttpResponse:
    """Into the list again."""
    campaign = _campaign(request, pk)
    labels.unarchive(campaign, current_user(request))
    messages.success(request, _("“%(name)s” is in the list again.") % {"name": campaign.name})
    return redirect(campaign)
