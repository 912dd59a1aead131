"""The figures that a user types to confirm a launch: number of recipients and maximum cost."""

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_SEPARATORS = re.compile(r"[\s'’]")  # \s includes the no-break spaces
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)


def parse_figure(typed: str, currency: str = "") -> Decimal | None:
    """The number in `typed`, with or without `currency`; None if it is not a number.

    Commas or points before each group of three digits separate thousands, as in 1,200 or 1.200,50;
    any other comma or point begins the decimals.
    """
    text = _SEPARATORS.sub("", typed).upper()
    if currency:
        text = text.removeprefix(currency).removesuffix(currency)
    for group, point in (",.", ".,"):
        if re.fullmatch(rf"[1-9]\d{{0,2}}([{group}]\d{{3}})+([{point}]\d+)?", text, re.ASCII):
            text = text.replace(group, "")
            break
    text = text.replace(",", ".")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


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
