"""The one way in which a file is turned away: with words for the person who brought it."""

from django.utils.functional import Promise


class ContactsError(Exception):
    """The file cannot be read, or is not what it says. `str()` is one clear line that says what to
    do.
    """

    def __init__(self, words: str | Promise) -> None:
        super().__init__(str(words))
