"""The figures that a user types to confirm a launch: number of recipients and maximum cost."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.shared.typed_numbers import read_number


def parse_figure(typed: str, currency: str = "") -> Decimal | None:
    """The number in `typed`: an amount, with or without its `currency`, or else a whole number.
    None if it is not one, or negative.
    """
    text = typed.strip().upper()
    if currency:
        text = text.removeprefix(currency).removesuffix(currency)
    number = read_number(text, whole=not currency)
    return None if number is None or number.is_signed() else number


def counted_again_message() -> str:
    """The answer to a launch or an approval while a worker counts the audience again."""
    return _("The audience changed and is being counted again. Review it, then confirm again.")


def audience_changed_message(recipients: int, confirmed: int | Decimal) -> str:
    """The error of a launch confirmed for `confirmed` recipients where there are `recipients`."""
    return ngettext(
        "The audience is now %(recipients)s recipient, not %(confirmed)s.",
        "The audience is now %(recipients)s recipients, not %(confirmed)s.",
        recipients,
    ) % {
        "recipients": number_format(recipients, force_grouping=True),
        "confirmed": number_format(confirmed, force_grouping=True),
    }
