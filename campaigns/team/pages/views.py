"""The user's own account, the settings page, and the health of the server."""

import json
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.db import connection as database
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from campaigns.gateway.environment import is_real_gateway, key_kind
from campaigns.gateway.key_in_use import key_in_use
from campaigns.shared.query_values import NO_ID, read_id, read_text
from campaigns.team import accounts, mail_delivery, safe_mode
from campaigns.team.gateway_check import check_connection
from campaigns.team.models import GatewayAccount, User
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.forms import AccountForm
from campaigns.team.pages.navigation import key_mark
from campaigns.team.pages.sign_in.fresh import fresh_to_change, require_fresh
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.sign_in import members
from campaigns.team.sign_in.sessions import sessions_of
from viberdash import __version__

VENDOR_VERSIONS = Path("static/vendor/versions.json")


def account(request: HttpRequest) -> HttpResponse:
    """The user's own name, e-mail and time zone, and where the user is signed in."""
    user = User.objects.get(pk=current_user(request).pk)  # not the one that the page is drawn with
    form = AccountForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        require_fresh(request, when=lambda: "email" in form.changed_data)
        members.change_account(
            user, [name for name in form.changed_data if name in form.Meta.fields]
        )
        messages.success(request, _("Saved."))
        return redirect("account")
    return render(
        request, "campaigns/team/account.html", {"form": form, "sessions": sessions_of(user)}
    )


def _third_party() -> list[dict[str, str]]:
    """Name, version and licence of the third-party files that pages load."""
    versions: dict[str, dict[str, str]] = json.loads(
        (settings.BASE_DIR / VENDOR_VERSIONS).read_text()
    )
    return list(versions.values())


@require_safe
def settings_page(request: HttpRequest) -> HttpResponse:
    """How this installation is set up, and links to what administrators can change."""
    administers = has_permission(current_user(request), Permission.OPERATE)
    return render(
        request,
        "campaigns/team/settings.html",
        {
            "gateway_address": key_in_use().address,
            "is_real_gateway": is_real_gateway(),
            "key_kind": key_kind(),
            "time_zone": settings.TIME_ZONE,
            "country": settings.DEFAULT_COUNTRY,
            "users": User.objects.filter(is_active=True).count(),
            "is_administrator": administers and current_user(request).is_staff,
            "administers": administers,
            "sees_alerts": has_permission(current_user(request), Permission.SEND),
            "failed_mails": mail_delivery.count_failed() if administers else 0,
            "version": __version__,
            "third_party": _third_party(),
        },
    )


@require_POST
@permission_required(Permission.SEND)
def gateway_check(request: HttpRequest) -> HttpResponse:
    """Check the gateway and the key. Answers with a fragment for htmx, else with a message."""
    connection = check_connection()
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "campaigns/team/gateway_check.html", {"connection": connection})
    if connection.works:
        messages.success(request, _("The gateway answers and accepts the key."))
    else:
        messages.error(request, f"{connection.problem} {connection.next_step}")
    return redirect("settings")


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that look in the usual place, such as on the admin's pages."""
    response = HttpResponseRedirect(static("img/favicon.svg"))
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """For load balancers and monitoring: 200 when the database answers, 503 when not."""
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@require_POST
@permission_required(Permission.OPERATE)
def confirm_restore(request: HttpRequest) -> HttpResponse:
    """After a restore from a backup, resume sending."""
    if safe_mode.confirm(current_user(request)):
        messages.success(request, _("Sending is resumed."))
    return redirect("campaign-list")


@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
def confirm_account(request: HttpRequest) -> HttpResponse:
    """Say whose key this installation uses: that of the account `account`, or of another one."""
    user, chosen = current_user(request), request.POST.get("account", "")
    if request.POST.get("key") != key_mark():
        messages.error(request, _("The gateway's address or key changed again. Choose again."))
        return redirect("settings")
    try:
        if chosen == "another":
            account = accounts.confirm_another(user, read_text(request.POST, "name"))
        else:
            account = accounts.confirm_same(user, read_id(chosen) or NO_ID)
    except GatewayAccount.DoesNotExist:
        messages.error(request, _("Choose an account."))
    else:
        messages.success(request, _("The account in use is “%(name)s”.") % {"name": account.name})
    return redirect("settings")
