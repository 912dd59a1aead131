"""What a signed-in user has to do before anything else, and the pages that serve it.

Whoever has the password that was shown at the setup chooses another one. Whoever needs a second
factor (team/sign_in/factors.py) sets one up. Whoever has removed the last one, and has a password
that is too short to stand alone, chooses a longer one or sets up another factor.
"""

from django.utils.translation import gettext_lazy as _

from campaigns.team.models import User
from campaigns.team.sign_in import factors

PASSWORD, FACTOR = "account_change_password", "mfa_index"
MESSAGES = {
    PASSWORD: _("Change your password first."),
    FACTOR: _("Set up your second factor first."),
}
SET_UP = {
    FACTOR,
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "go-on",
    "oidc-confirm",
}


def of(user: User) -> str:
    """The name of the page where `user` has to go; "" for none."""
    has_password = user.has_usable_password()  # not with an OpenID Connect provider
    if user.must_change_password and has_password:
        return PASSWORD
    is_required = factors.is_required(user)
    is_short = user.has_short_password and has_password
    if not (is_required or is_short) or factors.has_factor(user):
        return ""
    return FACTOR if is_required else PASSWORD


def allows(step: str, page: str) -> bool:
    """Whether `page` serves `step`."""
    return page == step or page in SET_UP
