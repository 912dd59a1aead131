"""When sending was held, by whom and why."""

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import SharedBrandManager
from campaigns.team.models import Brand

NOTE_MAX = 300


class SendingHold(models.Model):
    """Sending is held from `held_at` until `released_at`; None: it still is.

    Only switch.py writes it. Rows stay: they tell why what was due meanwhile did not go out.
    """

    # None: sending of all brands
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="+")
    held_at = models.DateTimeField()
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    note = models.CharField(_("reason"), max_length=NOTE_MAX, blank=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    objects = SharedBrandManager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-id"]
        constraints = [
            # of two users who hold at once, one does; also finds what is held now
            models.UniqueConstraint(
                Coalesce("brand", Value(0)),
                name="sending_hold_once",
                condition=Q(released_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.brand_id or 'all'} {self.held_at}"
