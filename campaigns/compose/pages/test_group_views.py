"""Test groups: own phones under a name, that tests are sent to together. Kept in Settings, chosen
on the review.
"""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.editor.test_send import PHONES_MAX, phones_in
from campaigns.compose.models import TestGroup
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.team import audit
from campaigns.team.access import current_user, get_object_for, role_required
from campaigns.team.models import Role

if TYPE_CHECKING:
    GroupModelForm = forms.ModelForm[TestGroup]
else:
    GroupModelForm = forms.ModelForm


class TestGroupForm(GroupModelForm):
    __test__ = False  # no class of pytest's

    phones = forms.CharField(
        label=gettext_lazy("Phones"),
        widget=forms.Textarea({"rows": 4, "inputmode": "tel", "autocomplete": "off"}),
        help_text=gettext_lazy("Up to 10, one a line or with commas between."),
    )

    class Meta:
        model = TestGroup
        fields = ("name", "phones")
        error_messages = {
            "name": {"unique": gettext_lazy("There is a test group of that name already.")}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper: FormHelper = FormHelper()
        button = StrictButton(_("Add the group"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("name", "phones", button)

    def clean_phones(self) -> list[str]:
        phones = phones_in(self.cleaned_data["phones"])
        if not 1 <= len(phones) <= PHONES_MAX:
            raise forms.ValidationError(_("Type 1 to %(n)d phones.") % {"n": PHONES_MAX})
        for phone in phones:
            if not isinstance(normalise(phone, settings.DEFAULT_COUNTRY), Phone):
                raise forms.ValidationError(_("“%(phone)s” is no phone.") % {"phone": phone})
        return phones


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def test_groups(request: HttpRequest) -> HttpResponse:
    """The groups, and one more."""
    form = TestGroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.instance.created_by = current_user(request)
        with transaction.atomic():
            group = form.save()
            audit.record(current_user(request), group, "added", group.name)
        messages.success(request, _("Test group “%(name)s” is added.") % {"name": group.name})
        return redirect("test-groups")
    known = {"groups": TestGroup.objects.all(), "form": form, "can_edit": True}
    return render(
        request, "campaigns/compose/test_groups.html", known, status=422 if form.is_bound else 200
    )


@require_POST
def test_group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a group; tests that were sent to it stay."""
    group = get_object_for(current_user(request), TestGroup.objects.all(), Role.MARKETER, pk=pk)
    audit.delete(current_user(request), group, "removed", group.name)
    messages.success(request, _("Test group “%(name)s” is deleted.") % {"name": group.name})
    return redirect("test-groups")
