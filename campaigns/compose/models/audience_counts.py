"""The counts of large audiences, which a worker makes."""

from django.db import models
from django.utils import timezone


class AudienceCount(models.Model):
    """What one audience and one message came to, and as of which versions of their data.

    A row may be deleted at any time: it is counted again when a page asks for it.
    """

    # SHA-256 of the audience and the texts: message/audience_counts.py
    subject = models.CharField(max_length=64, primary_key=True)
    request = models.JSONField(default=dict)  # what to count
    result = models.JSONField(null=True)
    # of what only people change, and of what campaigns under way and the clock change too
    version = models.CharField(max_length=64, blank=True)
    moving_version = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    # a worker counts since then; None: none does
    begun_at = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)  # when the count of `result` began

    class Meta:
        verbose_name = "audience count"
        verbose_name_plural = "audience counts"

    def __str__(self) -> str:
        return self.subject
