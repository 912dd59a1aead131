"""What pages say to those who see phones masked, and so search by a whole phone alone."""

from django.utils.translation import gettext as _


def whole_phone_text() -> str:
    """Why nothing was searched, and what to type."""
    return _("Enter the complete phone. You see phones masked, so parts are not searched.")
