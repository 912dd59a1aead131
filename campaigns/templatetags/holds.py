"""The banner on each page that says that sending is held."""

from typing import Any

from django import template
from django.template import Context

from campaigns.dispatch.send.leases import count_under_way
from campaigns.team.holds.switch import current_holds
from campaigns.team.pages.brands.middleware import brands_of_request
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

register = template.Library()


@register.inclusion_tag("components/hold_banner.html", takes_context=True)
def hold_banner(context: Context) -> dict[str, Any]:
    """Who holds sending, since when and why; nothing where it is not held."""
    request = context.get("request")
    brands = brands_of_request(request) if request else None
    if brands is None or not brands.current.is_held:
        return {}
    holds, user = current_holds(brands.current.pk), context["request"].user
    is_of_all = any(held.brand_id is None for held in holds)
    needed = Permission.OPERATE if is_of_all else Permission.SEND
    return {
        "holds": holds,
        "user": user,
        "under_way": count_under_way(brands.current.pk),
        "may_release": has_permission(user, needed),
        "is_of_all": is_of_all,
    }
