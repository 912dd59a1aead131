"""Hints, hourly counts, sampled statuses and checks of the gateway; other results are columns of
`Recipient`.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.shared.money import AmountField
from campaigns.team.models import GatewayAccount


class StatusHint(models.Model):
    """A recipient whose status changed, by a delivery report; deleted when polling takes it."""

    recipient = models.OneToOneField(
        Recipient, models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="+"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("status hint")
        verbose_name_plural = _("status hints")

    def __str__(self) -> str:
        return str(self.recipient_id)


class Measure(models.TextChoices):
    """What is counted by the hour: by its own hour, or by the hour of sending."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered by Viber")
    READ = "read", _("Read")
    SENT_DELIVERED = "sent_delivered", _("Delivered, by the hour of sending")
    SENT_READ = "sent_read", _("Read, by the hour of sending")


class HourCount(models.Model):
    """How many messages of a campaign were sent, delivered or read in the hour from `hour` on.

    Changed in the transaction that changes the recipients; `manage.py rebuild_totals` rebuilds it.
    """

    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    measure = models.CharField(max_length=14, choices=Measure.choices)
    hour = models.DateTimeField()
    people = models.IntegerField(default=0)

    class Meta:
        verbose_name = _("hourly count")
        verbose_name_plural = _("hourly counts")
        constraints = [
            models.UniqueConstraint("campaign", "measure", "hour", name="hour_count_unique")
        ]
        indexes = [models.Index("hour", name="hour_count_hour")]  # for the best hours of a period

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.measure} {self.hour}: {self.people}"


class SampledStatus(models.Model):
    """A settled message that was checked at night: what the ledger has, and what the gateway says.

    It is shown to users and changes nothing.
    """

    day = models.DateField()
    recipient = models.ForeignKey(
        Recipient, models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    campaign_id = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    entered = AmountField(null=True)  # the sum of the recipient's entries
    # Viber and SMS together, by the gateway; None: it named no price
    reported_amount = AmountField(null=True, db_column="said")
    status = models.CharField(max_length=30, blank=True)  # as it is in ViberDash
    # by the gateway; "": it does not know the message
    reported_status = models.CharField(max_length=30, blank=True, db_column="status_said")
    agrees = models.BooleanField()

    class Meta:
        verbose_name = _("sampled status")
        verbose_name_plural = _("sampled statuses")
        ordering = ["-day", "id"]
        constraints = [models.UniqueConstraint("day", "recipient", name="sampled_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.recipient_id}"


class StepState(models.TextChoices):
    """What came of a step of a check."""

    PASSED = "passed", _("Passed")
    WARNING = "warning", _("Warning")
    FAILED = "failed", _("Failed")
    RUNNING = "running", _("Running")
    NOT_TRIED = "not_tried", _("Not tried")


class GatewayCheck(models.Model):
    """A check of the connected account, step by step (results/gateway_check). The newest are kept.

    It has no phone: that of its message is the recipient's.
    """

    # of the form that started it: a form that is submitted twice starts one check
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField(auto_now_add=True)
    # nothing more comes since then: all steps have their outcome, or their time is over
    ended_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    account = models.ForeignKey(GatewayAccount, models.SET_NULL, null=True, related_name="+")
    sender = models.CharField(max_length=14, blank=True)
    steps = models.JSONField(default=list)  # of gateway_check.steps.Step, in their order
    samples = models.JSONField(default=list)  # of gateway_check.samples.Sample
    # the message to one's own phone, and its reference, which delivery reports name
    campaign = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="+")
    reference = models.CharField(max_length=32, blank=True)
    reported_at = models.DateTimeField(null=True)  # the first delivery report for it
    asked_at = models.DateTimeField(null=True)  # its status was asked for, by id and by reference

    class Meta:
        verbose_name = _("gateway check")
        verbose_name_plural = _("gateway checks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
