"""The forms of frequency caps."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.audience.frequency_cap import NO_CAP
from campaigns.compose.models import Campaign, FrequencyCap
from campaigns.compose.models.frequency_cap import DAYS_MAX, MESSAGES_MAX

if TYPE_CHECKING:
    CapModelForm = forms.ModelForm[FrequencyCap]
else:
    CapModelForm = forms.ModelForm

BRAND, OWN, NONE = "brand", "own", "none"
MESSAGES, DAYS = gettext_lazy("Messages, at most"), gettext_lazy("In days")


class BrandCapForm(CapModelForm):
    """The cap of the brand."""

    class Meta:
        model = FrequencyCap
        fields = ("messages", "days")
        labels = {"messages": MESSAGES, "days": DAYS}
        help_texts = {
            "messages": gettext_lazy("Promotional messages to a person, of all campaigns together.")
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, most in (("messages", MESSAGES_MAX), ("days", DAYS_MAX)):
            self.fields[name].widget.attrs.update({"min": 1, "max": most})
        self.helper = FormHelper()
        button = StrictButton(_("Set cap"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("messages", "days", Div(button, css_class="form-actions"))


class CampaignCapForm(forms.Form):
    """Which cap a campaign has: that of the brand, one of its own, or none."""

    cap = forms.ChoiceField(label=gettext_lazy("Frequency cap"), widget=forms.RadioSelect)
    messages = forms.IntegerField(
        label=MESSAGES, required=False, min_value=1, max_value=MESSAGES_MAX
    )
    days = forms.IntegerField(label=DAYS, required=False, min_value=1, max_value=DAYS_MAX)

    def __init__(self, data: Any, campaign: Campaign, of_brand: object, back: str) -> None:
        messages = campaign.cap_messages
        chosen = BRAND if messages is None else NONE if messages == NO_CAP else OWN
        initial = {"cap": chosen, "messages": messages or None, "days": campaign.cap_days}
        super().__init__(data, initial=initial)
        self.fields["cap"].choices = [  # type: ignore[attr-defined]
            (BRAND, _("As the brand: %(cap)s") % {"cap": of_brand}),
            (OWN, _("Another one for this campaign:")),
            (NONE, _("None: this campaign goes to everybody")),
        ]
        self.helper = FormHelper()
        save = StrictButton(_("Save"), type="submit", css_class="btn-primary")
        go_back = HTML(format_html('<a class="btn" href="{}">{}</a>', back, _("Go back")))
        actions = Div(save, go_back, css_class="form-actions")
        self.helper.layout = Layout("cap", "messages", "days", actions)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("cap") == OWN:
            for name in ("messages", "days"):
                if values.get(name) is None and not self.has_error(name):
                    self.add_error(name, _("Enter a number."))
        return values

    @property
    def columns(self) -> tuple[int | None, int | None]:
        """The messages and days of the campaign, as its columns have them."""
        if self.cleaned_data["cap"] == OWN:
            return self.cleaned_data["messages"], self.cleaned_data["days"]
        return (NO_CAP if self.cleaned_data["cap"] == NONE else None), None
