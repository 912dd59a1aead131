"""The error of the domain modules of contacts: its text is shown to the user."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _


class ContactsError(Exception):
    """A file, or a change of contacts, is refused. `str()` is one line that says what to do."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__(str(text))


def file_error(error: OSError) -> ContactsError:
    """What the file system refused, as a user can act on it."""
    if isinstance(error, FileNotFoundError):
        return ContactsError(_("The file is no longer on the server. Upload it again."))
    text = _("The server cannot read or write the file (%(error)s). Upload it again later.")
    return ContactsError(text % {"error": error.strerror or type(error).__name__})
