"""From which cost on a second person must approve."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.money import AmountField


class ApprovalLimit(models.Model):
    """In one currency, the highest cost up to which a campaign is launched by one person alone."""

    currency = models.CharField(_("currency"), max_length=3, unique=True)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ["currency"]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
