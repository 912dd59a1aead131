"""The forms of the pages in Settings: senders, test groups, labels, approval limits, consent."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.editor.test_send import phones_in
from campaigns.compose.launch.test_limits import PHONES_MAX
from campaigns.compose.models import ApprovalLimit, Label, Sender, TestGroup
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.shared.money import AmountInput
from campaigns.team.models import Brand
from campaigns.team.pages.brands.forms import NameInBrand

if TYPE_CHECKING:
    GroupModelForm = forms.ModelForm[TestGroup]
    LabelModelForm = forms.ModelForm[Label]
    LimitModelForm = forms.ModelForm[ApprovalLimit]
    SenderModelForm = forms.ModelForm[Sender]
else:
    GroupModelForm = LabelModelForm = LimitModelForm = SenderModelForm = forms.ModelForm


def _submit(label: str) -> StrictButton:
    return StrictButton(label, type="submit", css_class="btn-primary")


class SenderForm(NameInBrand, SenderModelForm):
    name_taken = gettext_lazy("This sender already exists.")

    class Meta:
        model = Sender
        fields = ("name",)
        help_texts = {"name": gettext_lazy("Exactly as registered with BSG, up to 14 characters.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.helper: FormHelper = FormHelper()
        self.helper.layout = Layout("name", _submit(_("Add sender")))


class TestGroupForm(NameInBrand, GroupModelForm):
    __test__ = False  # not a test class for pytest

    name_taken = gettext_lazy("A test group with this name already exists.")

    phones = forms.CharField(
        label=gettext_lazy("Phones"),
        widget=forms.Textarea({"rows": 4, "inputmode": "tel", "autocomplete": "off"}),
        help_text=gettext_lazy("Up to 10, one per line or separated by commas."),
    )

    class Meta:
        model = TestGroup
        fields = ("name", "phones")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper: FormHelper = FormHelper()
        self.helper.layout = Layout("name", "phones", _submit(_("Add test group")))

    def clean_phones(self) -> list[str]:
        phones = phones_in(self.cleaned_data["phones"])
        if not 1 <= len(phones) <= PHONES_MAX:
            raise forms.ValidationError(_("Enter 1 to %(n)d phones.") % {"n": PHONES_MAX})
        for phone in phones:
            if not isinstance(normalise(phone, settings.DEFAULT_COUNTRY), Phone):
                message = _("“%(phone)s” is not a phone number.") % {"phone": phone}
                raise forms.ValidationError(message)
        return phones


class LabelForm(LabelModelForm):
    """The name and the colour of a label; names differ in more than capitals."""

    class Meta:
        model = Label
        fields = ("name", "colour")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.helper = FormHelper()
        self.helper.layout = Layout(
            "name", "colour", _submit(_("Save") if self.instance.pk else _("Add label"))
        )

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if Label.objects.filter(name__folded_exact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This label already exists."), "name_taken")
        return name


class LimitForm(LimitModelForm):
    """The maximum cost, in one currency, above which a campaign needs approval.

    A currency that has a limit already gets the new amount.
    """

    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        validators=[
            RegexValidator(r"^[A-Z]{3}$", gettext_lazy("Enter three letters, such as EUR."))
        ],
        help_text=gettext_lazy("The currency of your BSG account: three letters, such as EUR."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )
    amount = AmountInput(
        label=gettext_lazy("Approval needed above"),
        min_value=0,
        help_text=gettext_lazy(
            "Compared with the maximum costs of what a user launches in a day, test sends too."
        ),
    )

    class Meta:
        model = ApprovalLimit
        fields = ("currency", "amount")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = FormHelper()
        button = _submit(_("Set limit"))
        self.helper.layout = Layout("currency", "amount", Div(button, css_class="form-actions"))


class NeedsConsentForm(forms.Form):
    """Whether promotional campaigns of `brand` leave out who did not agree."""

    needs_consent = forms.BooleanField(
        label=gettext_lazy("Promotional messages only with consent"), required=False
    )

    def __init__(self, brand: Brand, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"needs_consent": brand.promotional_needs_consent})
        self.helper = FormHelper()
        self.helper.layout = Layout("needs_consent", _submit(_("Save")))
