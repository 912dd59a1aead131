"""The cost above which a campaign needs the approval of a second user, and what was launched
without one.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models.campaign import Campaign
from campaigns.shared.brands.models import Branded, ParentBrandManager
from campaigns.shared.money import AmountField


class ApprovalLimit(Branded):
    """The highest cost, in one currency, at which a campaign needs no approval."""

    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ["currency"]
        constraints = [models.UniqueConstraint("brand", "currency", name="approval_limit_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class UnapprovedCost(models.Model):
    """The highest cost, in one currency, of a campaign or test that was launched without approval.

    What a user launches on a day adds up against the approval limit.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    # None: a command
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    day = models.DateField()  # of the launch, in the site's time zone
    currency = models.CharField(max_length=3)
    amount = AmountField()

    objects = ParentBrandManager.of("campaign")

    class Meta:
        constraints = [models.UniqueConstraint("campaign", "currency", name="unapproved_cost_once")]
        # for the sums of a user's day
        indexes = [models.Index("day", "user", name="unapproved_cost_day")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.amount} {self.currency}"
