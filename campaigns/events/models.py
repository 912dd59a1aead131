"""Webhooks, and what was sent to them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded, ParentBrandManager


class Webhook(Branded):
    """An address of another system that is told about the events of a brand.

    on -> off -> on: by users; events in between are not sent.
    on -> paused -> on: paused by ViberDash, after days without success; events are kept meanwhile.
    """

    address = models.CharField(_("address"), max_length=2000)
    description = models.CharField(_("description"), max_length=200, blank=True)
    kinds = models.JSONField(default=list)  # names in events/kinds.py
    include_phones = models.BooleanField(default=False)
    is_on = models.BooleanField(default=True)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=200, blank=True)
    # encrypted (team/brand_keys/encryption.py)
    secret = models.TextField()
    is_secret_shown = models.BooleanField(default=False)
    # signs beside the new one until then
    old_secret = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True)
    # all events up to this sequence number are in deliveries
    cursor = models.BigIntegerField(default=0)
    # the worker that sends to it
    lease_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)
    tried_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)  # no request leaves earlier
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"webhook {self.pk}"  # not the address, which may hold a secret

    def get_absolute_url(self) -> str:
        return reverse("webhook", args=[self.pk])


class DeliveryResult(models.TextChoices):
    """What became of a delivery."""

    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")  # for days, and not tried again
    EMPTY = "empty", _("Nothing left to send")  # the webhook wants none of its events any more


class WebhookDelivery(models.Model):
    """A request with some events, and its last try.

        WAITING -> DELIVERED | FAILED | EMPTY, and back to WAITING if a user resends it

    The events are those of the changes from `first` to `last` whose kind is in `kinds`: no payload
    is stored, and with it no phone.
    """

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)  # the same in each try
    is_test = models.BooleanField(default=False)
    # positions of changes; NULL for a test
    first = models.BigIntegerField(null=True)
    last = models.BigIntegerField(null=True)
    kinds = models.JSONField(default=list)
    events = models.PositiveIntegerField(default=0)  # how many
    result = models.CharField(
        max_length=9, choices=DeliveryResult.choices, default=DeliveryResult.WAITING
    )
    tries = models.PositiveIntegerField(default=0)  # ended ones
    created_at = models.DateTimeField()
    first_try_at = models.DateTimeField(null=True)
    last_try_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    # the first bytes of the answer, or why there was none
    answer = models.CharField(max_length=500, blank=True)
    milliseconds = models.PositiveIntegerField(null=True)

    objects = ParentBrandManager.of("webhook")

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-id"]
        indexes = [
            # what is due
            models.Index(
                "webhook",
                "next_try_at",
                name="webhook_delivery_due",
                condition=Q(result="waiting"),
            ),
            models.Index("created_at", name="webhook_delivery_created"),  # what is old
        ]

    def __str__(self) -> str:
        return f"{self.uuid}"
