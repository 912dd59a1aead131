"""The cost above which a campaign needs the approval of a second user."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.money import AmountField


class ApprovalLimit(models.Model):
    """The highest cost, in one currency, at which a campaign needs no approval."""

    currency = models.CharField(_("currency"), max_length=3, unique=True)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ["currency"]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
