"""The page of e-mails that were not delivered, for administrators."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.shared.paging import page_of
from campaigns.team import mail_delivery
from campaigns.team.models import OutgoingMail
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.permissions import Permission


@require_safe
@permission_required(Permission.OPERATE)
def undelivered_mail(request: HttpRequest) -> HttpResponse:
    """The e-mails that failed, and those that wait for another try."""
    context = {
        "page": page_of(request, mail_delivery.undelivered()),
        "kept_days": settings.KEEP_FAILED_MAIL_DAYS,
    }
    return render(request, "campaigns/team/undelivered_mail.html", context)


@require_POST
@permission_required(Permission.OPERATE)
def mail_resend_all(request: HttpRequest) -> HttpResponse:
    """Send all undelivered e-mails again, such as after the mail server was repaired."""
    return _resend(request, mail_delivery.undelivered().values_list("pk", flat=True))


@require_POST
def mail_resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one e-mail again."""
    message = _message(request, pk)
    return _resend(request, [message.pk])


def _resend(request: HttpRequest, ids: Iterable[int]) -> HttpResponse:
    chosen = OutgoingMail.objects.filter(pk__in=ids)
    count = mail_delivery.resend(chosen, current_user(request))
    text = ngettext("%d e-mail is being resent.", "%d e-mails are being resent.", count)
    messages.success(request, text % count)
    return redirect("undelivered-mail")


@require_POST
def mail_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one e-mail without sending it."""
    message = _message(request, pk)
    if mail_delivery.discard(message, current_user(request)):
        messages.success(request, _("The e-mail was discarded."))
    else:
        messages.warning(request, _("The e-mail has been sent meanwhile."))
    return redirect("undelivered-mail")


def _message(request: HttpRequest, pk: int) -> OutgoingMail:
    light = OutgoingMail.objects.defer("body", "attachment")
    return get_object_for(current_user(request), light, Permission.OPERATE, pk=pk)
