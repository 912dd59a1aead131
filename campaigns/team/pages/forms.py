"""The form of the account: name, e-mail and time zone; and the layout of such forms."""

from typing import TYPE_CHECKING, Any

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
        self.helper = post_form("first_name", "last_name", "email", "time_zone", submit=_("Save"))
        for name, hint in (
            ("first_name", "given-name"),
            ("last_name", "family-name"),
            ("email", "email"),
        ):
            self.fields[name].widget.attrs["autocomplete"] = hint
