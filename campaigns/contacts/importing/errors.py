"""The error of the domain modules of contacts: its text is shown to the user."""

from django.utils.functional import Promise


class ContactsError(Exception):
    """A file, or a change of contacts, is refused. `str()` is one line that says what to do."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__(str(text))
