"""Hints, hourly counts and sampled statuses; other results are columns of `Recipient`."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.shared.money import AmountField


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
