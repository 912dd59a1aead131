"""What passwords are accepted, and how they are stored.

Length and not being known from a breach are what counts; no kinds of characters are asked for (NIST
SP 800-63B). The list of breached passwords is a file beside this one, so nothing is asked outside.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from campaigns.team.models import User
from campaigns.team.sign_in.factors import has_factor

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SHORTEST = 15
SHORTEST_WITH_FACTOR = 12  # where a second factor stands beside it
LONGEST = 128
# those of 12 characters or more among Mark Burnett's million commonest, and Django's; small letters
BREACHED = Path(__file__).with_name("breached_passwords.txt.gz")


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MB and two passes (the first choice of OWASP): as many sign-ins at once as
    there are threads must fit into a small server.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1


def shortest(user: "AbstractBaseUser | None") -> int:
    """The fewest characters of a password of `user`."""
    has_one = isinstance(user, User) and user.pk is not None and has_factor(user)
    return SHORTEST_WITH_FACTOR if has_one else SHORTEST


def help_text(user: "AbstractBaseUser | None" = None) -> str:
    """What a form says below the field of a new password."""
    text = _("At least %(count)d characters, such as a few unrelated words with spaces.")
    return text % {"count": shortest(user)} + " " + used_nowhere_else()


def used_nowhere_else() -> str:
    return _("None that you use elsewhere.")


class LengthValidator:
    """From `shortest` to LONGEST characters."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        count = shortest(user)
        if len(password) < count:
            text = _("Use at least %(count)d characters.") % {"count": count}
            raise ValidationError(text, code="password_too_short")
        if len(password) > LONGEST:
            text = _("Use at most %(count)d characters.") % {"count": LONGEST}
            raise ValidationError(text, code="password_too_long")

    def get_help_text(self) -> str:
        return _("At least %(count)d characters.") % {"count": SHORTEST}


class BreachedValidator(CommonPasswordValidator):
    """Refuses passwords that are known from breaches, however they are capitalised."""

    def __init__(self) -> None:
        super().__init__(BREACHED)

    def get_error_message(self) -> str:
        return _("This password is known from a data breach. Choose another one.")

    def get_help_text(self) -> str:
        return used_nowhere_else()
