"""Forms for signing in and for passwords: allauth's, with our labels and layout."""

from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.utils import url_str_to_user_pk
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns.team.models import User
from campaigns.team.pages.forms import part_of_form, post_form
from campaigns.team.sign_in import passwords, throttle
from campaigns.team.sign_in.adapter import too_many
from campaigns.team.sign_in.factors import is_linked

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as LazyText
else:
    LazyText = str


def _label(form: Any, **labels: str | LazyText) -> None:
    """Name the fields, without allauth's placeholders, which say the same again."""
    for name, label in labels.items():
        form.fields[name].label = label
        form.fields[name].widget.attrs.pop("placeholder", None)


class SignInForm(allauth_forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self, login=_("User name"), password=_("Password"))
        self.fields["login"].widget.attrs["autocapitalize"] = "none"
        if not self.is_bound:  # else the first error gets the focus
            self.fields["login"].widget.attrs["autofocus"] = True
        self.fields["password"].help_text = ""
        self.helper = post_form("login", "password", submit=_("Sign in"), wide=True)


class NewPasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(
            self,
            oldpassword=_("Current password"),
            password1=_("New password"),
            password2=_("Repeat the new password"),
        )
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].help_text = passwords.help_text(self.user)
        self.helper = post_form(
            "oldpassword", "password1", "password2", submit=_("Change password")
        )
        self.helper.form_id = "password-form"

    def clean_oldpassword(self) -> str:
        """Like a sign-in: wrong ones are counted and recorded."""
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        self.user.refresh_from_db(fields=["password"])  # its hash may have been renewed
        return password


class ConfirmPasswordForm(allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self, password=_("Password"))
        self.fields["password"].help_text = ""
        if not self.is_bound:
            self.fields["password"].widget.attrs["autofocus"] = True
        self.helper = part_of_form("password")


class ForgottenForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)
        _label(self, email=_("E-mail"))
        self.helper = post_form("email", submit=_("E-mail me a link"), wide=True)

    def clean_email(self) -> str:
        """The users whose stored address it is, however it is capitalised there."""
        email: str = self.cleaned_data["email"]
        try:
            throttle.begin_link(self.request, email)
        except throttle.MustWait as must_wait:
            raise too_many(must_wait) from None
        users = User.objects.filter(email__folded_exact=email, is_active=True)
        self.users = [user for user in users if not is_linked(user)]
        return email


class ChoosePasswordForm(allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self, password1=_("New password"), password2=_("Repeat the new password"))
        self.fields["password1"].help_text = passwords.help_text(self.user)
        self.helper = post_form("password1", "password2", submit=_("Set password"), wide=True)
        self.helper.form_id = "password-form"


class LinkForm(allauth_forms.UserTokenForm):  # type: ignore[misc]
    """Whether a link is valid: never for a closed account."""

    def _get_user(self, uidb36: str) -> User | None:
        try:
            user = User.objects.filter(pk=url_str_to_user_pk(uidb36), is_active=True).first()
        except (ValueError, OverflowError):
            return None
        return None if user and is_linked(user) else user
