"""Alerts, what waits to be posted to the webhook, and how the last backups went."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import SharedBrandManager
from campaigns.team.models import Brand


class Alert(models.Model):
    """One thing that is wrong, from when it was first seen until it is over.

    seen (told_start_at None) -> open, told -> over, told (told_end_at)
      |                           ^   |
      +-> deleted: it was short   +---+ over_at is set, and reset if it comes back soon

    Only reports/alerts/changes.py writes it. `detail` is data of which pages and e-mails make
    texts; it holds no phone.
    """

    kind = models.CharField(_("kind"), max_length=30)  # a name of reports/alerts/kinds.py
    # what it is about: "campaign:12", a currency, a machine; "" where there is only one
    object = models.CharField(max_length=120, blank=True)
    # whose users are told; None: it is the installation's, and those who run it are told
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="+")
    detail = models.JSONField(default=dict)
    started_at = models.DateTimeField()  # first seen
    told_start_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()  # last seen, at least every few minutes
    over_at = models.DateTimeField(null=True)  # not seen from then on
    told_end_at = models.DateTimeField(null=True)

    objects = SharedBrandManager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "kind", "object", name="alert_open_once", condition=Q(told_end_at__isnull=True)
            ),
        ]
        indexes = [models.Index("told_end_at", name="alert_end")]  # for those that are open

    def __str__(self) -> str:
        return f"{self.kind} {self.object}".strip()


class PostState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not delivered")


class AlertPost(models.Model):
    """A request to ALERT_WEBHOOK_URL. WAITING -> SENT | FAILED, after the last try."""

    body = models.TextField()  # JSON
    state = models.CharField(max_length=7, choices=PostState.choices, default=PostState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # set before each try to the time of the one after: a crash during a try leads to another
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("post of alerts")
        verbose_name_plural = _("posts of alerts")
        ordering = ["-id"]
        indexes = [
            # for the delivery
            models.Index(
                "next_try_at", name="alert_post_due", condition=Q(state=PostState.WAITING)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class BackupResult(models.Model):
    """How the last backups went, in one row: `manage.py backup` writes it."""

    succeeded_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=200, blank=True)  # of that backup's folder
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True)  # what the command said

    def __str__(self) -> str:
        return self.name
