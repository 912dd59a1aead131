"""The form of the account: name, e-mail and time zone; and the layout of such forms."""

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.team.models import User
from campaigns.team.time_zones import zone_choices

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as LazyText

    UserForm = forms.ModelForm[User]
else:
    LazyText = str
    UserForm = forms.ModelForm


def post_form(*fields: str, submit: str | LazyText, wide: bool = False) -> FormHelper:
    """The layout of a form with one button below its fields; `wide`: as wide as the fields."""
    helper: FormHelper = FormHelper()
    helper.form_method = "post"
    css = "btn-primary w-100" if wide else "btn-primary"
    helper.layout = Layout(*fields, StrictButton(submit, type="submit", css_class=css))
    return helper


def part_of_form(*fields: str) -> FormHelper:
    """The layout of fields in a form whose template has the rest of it."""
    helper: FormHelper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*fields)
    return helper


class AccountForm(UserForm):
    current_password = forms.CharField(
        label=_("Current password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Only to change the e-mail address."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=zone_choices,
        help_text=_("Pages show times in this zone."),
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = post_form(
            "first_name", "last_name", "email", "current_password", "time_zone", submit=_("Save")
        )
        for name, hint in (
            ("first_name", "given-name"),
            ("last_name", "family-name"),
            ("email", "email"),
        ):
            self.fields[name].widget.attrs["autocomplete"] = hint

    def clean_current_password(self) -> str:
        """Checked like a sign-in, if the e-mail address changes."""
        password: str = self.cleaned_data["current_password"]
        if "email" not in self.changed_data:
            return password
        if not password:
            raise forms.ValidationError(_("Enter your password to change the e-mail address."))
        if not get_adapter().reauthenticate(self.instance, password):
            raise get_adapter().validation_error("incorrect_password")
        self.instance.refresh_from_db(fields=["password"])  # its hash may have been renewed
        return password
