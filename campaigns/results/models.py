"""What results keeps beside the columns of the recipients: how its prices stood up to being asked again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.dispatch.models import Recipient
from campaigns.ledger.money import AmountField


class SampledStatus(models.Model):
    """A message that was settled, asked for again one night: what the ledger has, and what the gateway says now.

    Evidence alone: nothing is mended by it.
    """

    day = models.DateField()
    recipient = models.ForeignKey(Recipient, models.DO_NOTHING, db_constraint=False, related_name="+")
    campaign_id = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    entered = AmountField(null=True)  # the sum of the recipient's entries
    said = AmountField(null=True)  # Viber and SMS together, as the gateway says; None: it did not say
    status = models.CharField(max_length=30, blank=True)  # as it is here
    status_said = models.CharField(max_length=30, blank=True)  # "" where the gateway does not know the message
    agrees = models.BooleanField()

    class Meta:
        verbose_name = _("sampled status")
        verbose_name_plural = _("sampled statuses")
        ordering = ["-day", "id"]
        constraints = [models.UniqueConstraint("day", "recipient", name="sampled_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.recipient_id}"
