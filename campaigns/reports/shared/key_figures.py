"""Figures at the top of a page: a label, a value and a hint, ready for the page."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from campaigns.reports.shared.bills import Cost
from campaigns.templatetags.viberdash import money, money_exact


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """`value` and `hint` may be safe markup, such as an amount with its currency."""

    label: str | Promise
    value: str
    hint: str = ""
    url: str = ""


def missing_value(text: str) -> str:
    """Return what stands for a value that there is not, in a quiet colour."""
    return format_html('<span class="stat-quiet">{}</span>', text)


def join_hints(*hints: str) -> str:
    """Return the hints that are not empty, with a dot between them."""
    return format_html_join(" · ", "{}", ((hint,) for hint in hints if hint))


def channel_split(cost: Cost, exact: bool = False) -> str:
    """Return `cost` by channel: "Viber 1.20 · SMS 0.30"; `exact` with all decimals."""
    amount = money_exact if exact else money
    return join_hints(
        format_html("{} {}", _("Viber"), amount(cost.viber)),
        format_html("{} {}", _("SMS"), amount(cost.sms)),
    )
