"""The error of fetching: its text is shown to the user."""

from django.utils.translation import gettext as _


class FetchError(Exception):
    """An address is refused, or does not give what was asked for.

    `str()` is one line for the user, without the path of the address, which may hold a secret.
    """


def time_is_up() -> FetchError:
    return FetchError(_("The server took too long to answer."))
