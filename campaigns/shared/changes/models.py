"""What happened and is to be told to others, and which kinds of it anybody wants to hear."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded

KIND_MAX = 40  # characters


class Change(Branded):
    """A change of one object, or the same change of up to 500 messages of a campaign.

    Written in the transaction of the change, and never changed but for `position`. That is NULL
    until the change is committed and numbered: ids say nothing about the order of commits, so a
    reader that remembered an id could miss a transaction that committed late.

    A row stands for `size` events, whose sequence numbers begin with `position`.
    """

    position = models.BigIntegerField(null=True, unique=True)
    uuid = models.UUIDField(default=uuid.uuid4)  # names the events, also after a restored backup
    kind = models.CharField(max_length=KIND_MAX)
    object_id = models.BigIntegerField()  # a campaign for messages
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    facts = models.JSONField(default=dict)  # what no row of the object tells later
    messages = models.JSONField(default=list)  # ids of recipients; empty for other objects
    size = models.PositiveIntegerField(default=1)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        indexes = [
            # what is to be numbered
            models.Index("id", name="change_unnumbered", condition=Q(position__isnull=True)),
            models.Index("at", name="change_at"),  # what is old
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class WantedKind(Branded):
    """A kind of change that a webhook of the brand wants: only such changes are recorded."""

    kind = models.CharField(max_length=KIND_MAX)

    class Meta:
        verbose_name = _("wanted kind")
        verbose_name_plural = _("wanted kinds")
        constraints = [models.UniqueConstraint("brand", "kind", name="wanted_kind_once")]

    def __str__(self) -> str:
        return self.kind


class ChangeCounter(models.Model):
    """The last sequence number; the only row has the id 1."""

    last = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("change counter")
        verbose_name_plural = _("change counters")

    def __str__(self) -> str:
        return f"{self.last}"
