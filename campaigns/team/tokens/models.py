"""Tokens of the API, and what is kept of requests made with them."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded
from campaigns.team.permissions import Permission

PREFIX_LENGTH = 11


class ApiToken(Branded):
    """Lets a program act for its owner in one brand, with some of the owner's permissions.

    The token itself is stored nowhere. What it may do is what both its scopes and the role of the
    owner allow at the time of the request.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(max_length=PREFIX_LENGTH)  # its first characters, to recognise it
    hash = models.CharField(max_length=64, unique=True)  # SHA-256 of the whole token
    scopes = models.JSONField(default=list)  # values of Permission
    addresses = models.JSONField(default=list)  # networks that may use it; none: any
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)  # NULL: never
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # to the minute
    # the requests of one minute since 1970, where no Redis counts them
    counted_minute = models.BigIntegerField(default=0, db_default=0)
    counted = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "owner", "brand", "name", name="api_token_name", condition=Q(revoked_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def permissions(self) -> frozenset[Permission]:
        """The scopes; without those that a later version no longer has."""
        return frozenset(scope for scope in Permission if scope.value in self.scopes)

    def is_over(self, now: datetime) -> bool:
        """Whether it was revoked, or has expired."""
        return self.revoked_at is not None or (
            self.expires_at is not None and self.expires_at <= now
        )


class ApiAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for whoever sends it again.

    Its row is made before the work begins. Deleted after a day, and at once where nothing was done.
    """

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)  # SHA-256 of the header
    content = models.CharField(max_length=64)  # SHA-256 of method, address and body
    created_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("token", "key", name="api_answer_key")]

    def __str__(self) -> str:
        return self.key[:8]
