"""Switch statistics files on or off, from the settings page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.results.polling import file_use
from campaigns.team import accounts
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.permissions import Permission


@require_POST
@permission_required(Permission.OPERATE)
def statistics_files(request: HttpRequest) -> HttpResponse:
    """Switch files of the account in use on (`on` is 1) or off."""
    account, on = accounts.load().current, request.POST.get("on") == "1"
    if account is None:
        messages.error(request, _("First say which account the key belongs to."))
        return redirect("settings")
    try:
        file_use.switch(account, current_user(request), on=on)
    except file_use.SwitchRefused as refused:
        messages.error(request, str(refused))
    else:
        done = _("Statistics files are on.") if on else _("Statistics files are off.")
        messages.success(request, done)
    return redirect("settings")
