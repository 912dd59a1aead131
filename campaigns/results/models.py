"""What results keeps beside the columns of the recipients: hints, hourly counts, prices that were
asked for again.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.shared.money import AmountField


class StatusHint(models.Model):
    """Somebody whose status is worth asking for now, as a delivery report says. Gone once they are
    asked for.
    """

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
    """What is counted by the hour: by that of the thing itself, or by that of the sending."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered by Viber")
    READ = "read", _("Read")
    SENT_DELIVERED = "sent_delivered", _("Delivered, by the hour of sending")
    SENT_READ = "sent_read", _("Read, by the hour of sending")


class HourCount(models.Model):
    """How many messages of a campaign were sent, delivered, read in an hour, which begins at
    `hour`.

    Moved in the transaction that moves the recipients, by their own times; rebuilt by `manage.py
    rebuild_totals`.
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
        indexes = [models.Index("hour", name="hour_count_hour")]  # the best hours of a period

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.measure} {self.hour}: {self.people}"


class SampledStatus(models.Model):
    """A message that was settled, asked for again one night: what the ledger has, and what the
    gateway says now.

    Evidence alone: nothing is mended by it.
    """

    day = models.DateField()
    recipient = models.ForeignKey(
        Recipient, models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    campaign_id = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    entered = AmountField(null=True)  # the sum of the recipient's entries
    # Viber and SMS together, as the gateway says; None: it did not say
    said = AmountField(null=True)
    status = models.CharField(max_length=30, blank=True)  # as it is here
    # "" where the gateway does not know the message
    status_said = models.CharField(max_length=30, blank=True)
    agrees = models.BooleanField()

    class Meta:
        verbose_name = _("sampled status")
        verbose_name_plural = _("sampled statuses")
        ordering = ["-day", "id"]
        constraints = [models.UniqueConstraint("day", "recipient", name="sampled_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.recipient_id}"
