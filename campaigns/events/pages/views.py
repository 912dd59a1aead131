"""Settings -> Webhooks: administrators add them, look at their deliveries and resend some."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.events import webhooks
from campaigns.events.models import Webhook, WebhookDelivery
from campaigns.events.pages.forms import RotateForm, WebhookForm
from campaigns.shared.paging import page_of
from campaigns.team import audit
from campaigns.team.brand_keys import encryption
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.sign_in.fresh import fresh_to_change
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission

ACTIVITY_SHOWN = 10


@permission_required(Permission.OPERATE)
@fresh_to_change
@once
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_list(request: HttpRequest) -> HttpResponse:
    """The webhooks of the brand, and the form that adds one."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            webhook = webhooks.create(current_user(request), form.chosen())
        except webhooks.Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The webhook was added. Show its secret now."))
            return redirect(webhook)
    context = {
        "webhooks": Webhook.objects.all(),
        "form": form,
        "can_edit": True,
        "no_keys": "" if encryption.can_encrypt() else webhooks.no_keys_text(),
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/events/webhooks.html", context, status=status)


@permission_required(Permission.OPERATE)
@fresh_to_change
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A webhook with its deliveries, and the form that changes it."""
    webhook = get_object_or_404(Webhook, pk=pk)
    form = WebhookForm(request.POST or None, webhook)
    if request.method == "POST" and form.is_valid():
        try:
            webhooks.change(current_user(request), webhook, form.chosen())
        except webhooks.Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect(webhook)
    return _page(request, webhook, form)


def _page(
    request: HttpRequest, webhook: Webhook, form: WebhookForm, secret: str = ""
) -> HttpResponse:
    old_until = webhook.old_secret_until
    context = {
        "webhook": webhook,
        "form": form,
        "rotate_form": RotateForm(),
        "secret": secret,
        "old_secret_until": old_until if old_until and old_until > timezone.now() else None,
        "page": page_of(request, webhook.deliveries.all()),
        "entries": audit.activity(webhook)[:ACTIVITY_SHOWN],
        "kept_days": settings.KEEP_WEBHOOK_LOG_DAYS,
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/events/webhook.html", context, status=status)


@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
def webhook_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a webhook on or off, by the field `on`; on ends a pause too."""
    webhook = get_object_or_404(Webhook, pk=pk)
    on = request.POST.get("on") == "1"
    webhooks.switch(current_user(request), webhook, on=on)
    messages.success(request, _("The webhook is on.") if on else _("The webhook is off."))
    return redirect(webhook)


@never_cache
@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
def webhook_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the newest secret, which is done once."""
    webhook = get_object_or_404(Webhook, pk=pk)
    try:
        secret = webhooks.reveal_secret(current_user(request), webhook)
    except webhooks.Refused as refused:
        messages.warning(request, str(refused))
        return redirect(webhook)
    webhook.refresh_from_db()
    return _page(request, webhook, WebhookForm(None, webhook), secret)


@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
@once
def webhook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace the secret."""
    webhook = get_object_or_404(Webhook, pk=pk)
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Choose how long the old secret signs."))
        return redirect(webhook)
    overlap = form.overlap()
    return _done(
        request,
        webhook,
        lambda: webhooks.rotate_secret(current_user(request), webhook, overlap),
        _("The secret was replaced. Show it now."),
    )


@require_POST
@permission_required(Permission.OPERATE)
@once
def webhook_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test event."""
    webhook = get_object_or_404(Webhook, pk=pk)
    return _done(
        request,
        webhook,
        lambda: webhooks.send_test(current_user(request), webhook),
        _("A test event is being sent. Reload the page to see the answer."),
    )


@require_POST
@permission_required(Permission.OPERATE)
@once
def webhook_resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a delivery again."""
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=pk)
    return _done(
        request,
        delivery.webhook,
        lambda: webhooks.resend(current_user(request), delivery),
        _("The events are being resent. Reload the page to see the answer."),
    )


def _done(
    request: HttpRequest, webhook: Webhook, action: Callable[[], object], text: str
) -> HttpResponse:
    """Do `action`, and lead back to the webhook with `text`, or with the reason why not."""
    try:
        action()
    except webhooks.Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, text)
    return redirect(webhook)


@require_POST
@permission_required(Permission.OPERATE)
@fresh_to_change
def webhook_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a webhook with its deliveries."""
    webhook = get_object_or_404(Webhook, pk=pk)
    webhooks.delete(current_user(request), webhook)
    messages.success(request, _("The webhook was deleted."))
    return redirect("webhook-list")
