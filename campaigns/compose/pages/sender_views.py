"""The room of senders in Settings: which names there are, where they are used, add one, remove an
unused one.
"""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.models import Sender
from campaigns.team import audit
from campaigns.team.access import current_user, get_object_for, has_role, require_role
from campaigns.team.models import Role

if TYPE_CHECKING:
    SenderModelForm = forms.ModelForm[Sender]
else:
    SenderModelForm = forms.ModelForm

PAGE = 50


class SenderForm(SenderModelForm):
    class Meta:
        model = Sender
        fields = ("name",)
        help_texts = {
            "name": gettext_lazy("Exactly as BSG has registered it, up to 14 characters.")
        }
        error_messages = {"name": {"unique": gettext_lazy("This sender is here already.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.helper: FormHelper = FormHelper()
        self.helper.layout = Layout(
            "name", StrictButton(_("Add sender"), type="submit", css_class="btn-primary")
        )


def used_senders() -> QuerySet[Sender]:
    """All senders, each with `campaigns` (how many use it) and `last_used` (when one of them was
    launched last).
    """
    return Sender.objects.annotate(
        campaigns=Count("campaign"), last_used=Max("campaign__launched_at")
    ).order_by("name")


@require_http_methods(["GET", "HEAD", "POST"])
def senders(request: HttpRequest) -> HttpResponse:
    """The list; administrators add to it. A name is only of use once BSG has registered it."""
    user = current_user(request)
    form = SenderForm(request.POST or None)
    if request.method == "POST":
        require_role(user, Role.ADMINISTRATOR)
        if form.is_valid():
            audit.record(user, form.save(), "added", form.cleaned_data["name"])
            messages.success(
                request, _("Sender “%(name)s” is added.") % {"name": form.cleaned_data["name"]}
            )
            return redirect("sender-list")
    page = Paginator(used_senders(), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "can_edit": has_role(user, Role.ADMINISTRATOR)}
    return render(request, "campaigns/compose/senders.html", context)


@require_POST
def sender_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a sender that no campaign uses."""
    user = current_user(request)
    sender = get_object_for(user, Sender.objects.all(), Role.ADMINISTRATOR, pk=pk)
    try:
        audit.delete(user, sender, "removed", sender.name)
    except ProtectedError:
        messages.error(request, _("“%(name)s” stays: campaigns use it.") % {"name": sender.name})
    else:
        messages.success(request, _("Sender “%(name)s” is removed.") % {"name": sender.name})
    return redirect("sender-list")
