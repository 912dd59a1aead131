"""The banner on each page that says what is wrong."""

from typing import Any

from django import template
from django.template import Context

from campaigns.reports.alerts.open_alerts import banner_for
from campaigns.team.models import User

register = template.Library()


@register.inclusion_tag("components/alert_banner.html", takes_context=True)
def alert_banner(context: Context) -> dict[str, Any]:
    """The worst of the open alerts that the user can do something about; not on their own page."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    if not isinstance(getattr(request, "user", None), User) or (
        match and match.url_name == "alerts"
    ):
        return {}
    return {"banner": banner_for(context["request"].user)}
