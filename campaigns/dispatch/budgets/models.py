"""What campaigns may cost: in a month, by one person, and the warnings on the way there."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.money import AmountField


class MonthlyBudget(models.Model):
    """What all campaigns together may cost at most in a month of the site's time zone, in one
    currency.
    """

    currency = models.CharField(_("currency"), max_length=3, unique=True)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("monthly budget")
        verbose_name_plural = _("monthly budgets")
        ordering = ["currency"]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class UserBudget(models.Model):
    """What the campaigns that one person launched may cost at most in a month of the site's time
    zone.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("person"), related_name="+"
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("budget of a person")
        verbose_name_plural = _("budgets of people")
        ordering = ["user__username", "currency"]
        constraints = [models.UniqueConstraint("user", "currency", name="user_budget_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.amount} {self.currency}"


class BudgetWarning(models.Model):
    """A share of a budget that was reached in a period: the row is what keeps it from being told
    twice.
    """

    scope = models.CharField(max_length=40)  # "month:EUR", "user:5:EUR", "campaign:12:EUR"
    period = models.CharField(max_length=7, blank=True)  # "2026-11"; a campaign's budget has none
    percent = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=200)  # what it was when it was reached
    at = models.DateTimeField()
    # since then somebody mails it, or has, and nobody else will
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("budget warning")
        verbose_name_plural = _("budget warnings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("scope", "period", "percent", name="budget_warning_once")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.percent}%"
