"""Forms of the account: signing in, the password, name and time zone."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.utils.translation import gettext_lazy as _

from campaigns.team.models import User
from campaigns.team.pages.sign_in import LoginThrottle
from campaigns.team.time_zones import known_zones

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

    UserForm = forms.ModelForm[User]
else:
    Words = str
    UserForm = forms.ModelForm

AREAS = ("Europe", "Asia", "America", "Africa", "Australia", "Pacific", "Atlantic", "Indian")


def post_form(*fields: str, submit: str | Words, wide: bool = False) -> FormHelper:
    """The look of a form with one button below its fields; `wide`: the button is as broad as they
    are.
    """
    helper: FormHelper = FormHelper()
    helper.form_method = "post"
    button = StrictButton(
        submit, type="submit", css_class="btn-primary w-100" if wide else "btn-primary"
    )
    helper.layout = Layout(*fields, button)
    return helper


def zone_choices() -> list[tuple[str, Any]]:
    """Time zones by continent, with the site's own as the choice of those who choose none."""
    known = known_zones()
    groups = [
        (area, sorted(zone for zone in known if zone.startswith(f"{area}/"))) for area in AREAS
    ]
    own = _("As the site: %(zone)s") % {"zone": settings.TIME_ZONE}
    return [
        ("", own),
        ("UTC", "UTC"),
        *((area, [(zone, _city(zone)) for zone in zones]) for area, zones in groups),
    ]


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ")


class GuardedForm(AuthenticationForm):
    """Signing in, with an end to trying passwords."""

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        throttle = LoginThrottle(self.request, self.cleaned_data.get("username", ""))
        if throttle.exhausted():
            words = _("That was wrong too often. Wait a quarter of an hour, then try again.")
            raise forms.ValidationError(words, code="throttled")
        try:
            cleaned: dict[str, Any] = super().clean()
        except forms.ValidationError:
            throttle.record_failure()
            raise
        throttle.record_success()
        return cleaned


class AdminSignInForm(GuardedForm, AdminAuthenticationForm):
    """The same for the Django admin's own page."""


class SignInForm(GuardedForm):
    error_messages = {
        "invalid_login": _(
            "That user name and password don't belong together. Both are case-sensitive."
        ),
        "inactive": _("This account is closed. Ask an administrator."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")
        self.helper = post_form("username", "password", submit=_("Sign in"), wide=True)


class NewPasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label = _("New password, once more")
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
        help_text=_("All times on all pages are shown in it."),
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
