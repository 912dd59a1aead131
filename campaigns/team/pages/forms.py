"""The form of the account: name, e-mail and time zone; and parts of other forms."""

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


class PickerSelect(forms.Select):
    """A select that static/js/picker.js turns into a searchable picker if it has many options.

    `search` names what is searched. `count` is a field of the offered objects, shown beside each.
    """

    def __init__(self, search: str | LazyText, count: str = "") -> None:
        super().__init__({"data-picker": "", "data-search": search})
        self.count = count

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **options)
        if self.count and (offered := getattr(value, "instance", None)):
            option["attrs"]["data-count"] = str(getattr(offered, self.count))
        return option


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
