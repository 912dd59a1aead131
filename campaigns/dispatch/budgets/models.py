"""What campaigns may cost in a month, all together or by user, and the warnings before that."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded
from campaigns.shared.money import AmountField


class MonthlyBudget(Branded):
    """The most that all campaigns of a brand together may cost in a month, in one currency.

    Months begin at midnight in the site's time zone.
    """

    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("monthly budget")
        verbose_name_plural = _("monthly budgets")
        ordering = ["currency"]
        constraints = [models.UniqueConstraint("brand", "currency", name="monthly_budget_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class UserBudget(Branded):
    """The most that the campaigns of a brand launched by one user may cost in a month, in one
    currency.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("user"), related_name="+"
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("user budget")
        verbose_name_plural = _("user budgets")
        ordering = ["user__username", "currency"]
        constraints = [
            models.UniqueConstraint("user", "brand", "currency", name="user_budget_once")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.amount} {self.currency}"


class BudgetWarning(Branded):
    """A share of a budget reached in a period. The row keeps it from being mailed twice."""

    scope = models.CharField(max_length=40)  # "month:EUR", "user:5:EUR", "campaign:12:EUR"
    period = models.CharField(max_length=7, blank=True)  # "2026-11"; "" for a campaign's budget
    percent = models.PositiveSmallIntegerField()
    # with the amounts at that time
    text = models.CharField(max_length=200, db_column="words")
    at = models.DateTimeField()
    # Set before the mail is sent: one worker claims the warning, and no other mails it.
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("budget warning")
        verbose_name_plural = _("budget warnings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "brand", "scope", "period", "percent", name="budget_warning_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.percent}%"
