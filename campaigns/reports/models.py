"""Saved reports and their deliveries by e-mail."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded, ParentBrandManager
from campaigns.team.models import OutgoingMail


class Rhythm(models.TextChoices):
    NEVER = "never", _("Not by e-mail")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every Monday")
    MONTHLY = "monthly", _("On the first of each month")


class SavedReport(Branded):
    """A view of the Spend page under a name, mailed to its owner at 8:00 in their time zone."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    # of the Spend page; a mailed report ignores the period in it
    query = models.CharField(max_length=500, blank=True)
    rhythm = models.CharField(
        _("e-mail schedule"), max_length=7, choices=Rhythm.choices, default=Rhythm.NEVER
    )
    kind = models.CharField(
        _("file format"), max_length=4, choices=[("csv", "CSV"), ("xlsx", "XLSX")], default="xlsx"
    )
    paused = models.BooleanField(default=False)  # because its owner may no longer read it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("saved report")
        verbose_name_plural = _("saved reports")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class ReportDelivery(models.Model):
    """One period of a saved report, mailed to its owner. Its row keeps it from being mailed twice.

    `sent_at` and `failure` repeat what became of the mail.
    """

    report = models.ForeignKey(SavedReport, models.CASCADE, related_name="deliveries")
    first = models.DateField()
    last = models.DateField()
    address = models.CharField(max_length=254)
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    # until it is pruned; None also for those from before e-mails were stored
    mail = models.OneToOneField(OutgoingMail, models.SET_NULL, null=True, related_name="+")

    objects = ParentBrandManager.of("report")

    class Meta:
        verbose_name = _("report delivery")
        verbose_name_plural = _("report deliveries")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("report", "last", name="report_delivered_once")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.last}"
