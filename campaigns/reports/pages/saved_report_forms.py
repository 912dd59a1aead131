"""The form of a saved report."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.reports.models import SavedReport

if TYPE_CHECKING:
    ReportModelForm = forms.ModelForm[SavedReport]
else:
    ReportModelForm = forms.ModelForm


class ReportForm(ReportModelForm):
    class Meta:
        model = SavedReport
        fields = ("name", "rhythm", "kind")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rhythm"].help_text = _(
            "Sent at 8:00 in your time zone, once the day, week or month has ended in the site's"
            " time zone, %(zone)s."
        ) % {"zone": settings.TIME_ZONE}
        self.helper: FormHelper = FormHelper()
        button = StrictButton(_("Save report"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("name", "rhythm", "kind", Div(button, css_class="form-actions"))
