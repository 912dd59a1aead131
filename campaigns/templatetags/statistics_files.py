"""The card about statistics files on the settings page."""

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone

from campaigns.results.polling import file_use
from campaigns.team import accounts
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

register = template.Library()


@register.inclusion_tag("campaigns/results/_statistics_files.html", takes_context=True)
def statistics_files_card(context: Context) -> dict[str, Any]:
    """How statistics files are used for the account in use; only administrators see it."""
    user, account = context["request"].user, accounts.cached().current
    if account is None or not (isinstance(user, User) and has_permission(user, Permission.OPERATE)):
        return {}
    use = file_use.use_of(account)
    return {
        "use": use,
        "is_paused": use.is_on and not use.is_usable(timezone.now()),
        "request": context["request"],
        "csrf_token": context["csrf_token"],
    }
