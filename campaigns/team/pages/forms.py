"""Forms of the account: signing in, password, name and time zone."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.utils.translation import gettext_lazy as _

from campaigns.team.login_throttle import LoginThrottle
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


class ThrottledSignInForm(AuthenticationForm):
    """Django's sign-in form, with a limit on trying passwords."""

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        address = self.request.META.get("REMOTE_ADDR", "")
        throttle = LoginThrottle(address, self.cleaned_data.get("username", ""))
        if throttle.exhausted():
            message = _("Too many wrong passwords. Wait 15 minutes, then try again.")
            raise forms.ValidationError(message, code="throttled")
        try:
            cleaned: dict[str, Any] = super().clean()
        except forms.ValidationError:
            throttle.record_failure()
            raise
        throttle.record_success()
        return cleaned


class AdminSignInForm(ThrottledSignInForm, AdminAuthenticationForm):
    """The same for the sign-in page of Django's admin."""


class SignInForm(ThrottledSignInForm):
    error_messages = {
        "invalid_login": _("Wrong user name or password. Both are case-sensitive."),
        "inactive": _("This account is closed. Ask an administrator to reopen it."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")
        self.helper = post_form("username", "password", submit=_("Sign in"), wide=True)


class NewPasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label = _("Repeat the new password")
        self.fields["new_password2"].help_text = ""
        self.helper = post_form(
            "old_password", "new_password1", "new_password2", submit=_("Change password")
        )
        self.helper.form_id = "password-form"


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
