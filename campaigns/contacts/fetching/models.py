"""Addresses that are imported again and again."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.models import ContactList, Import
from campaigns.shared.brands.models import Branded


class ImportRhythm(models.TextChoices):
    HOURLY = "hourly", _("Every hour")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")


class RunResult(models.TextChoices):
    NONE = "", _("Not run yet")
    IMPORTED = "imported", _("Imported")
    UNCHANGED = "unchanged", _("Unchanged")
    REFUSED = "refused", _("Not imported")
    FAILED = "failed", _("Failed")


class ImportSchedule(Branded):
    """An address whose file is imported into a list again and again.

    A run fetches the file. If its content is new, an import is made of it (`latest_import`,
    `is_importing`), which is checked and started without a user. What does not fit stays for a user
    to decide about: that import is open, and `refusal` says why.

    `is_settled`: the content described by `etag`, `last_modified` and `content_hash` was imported
    or refused, so it is not imported again.
    """

    address = models.CharField(max_length=2000)
    list = models.ForeignKey(
        ContactList, models.SET_NULL, null=True, related_name="import_schedules"
    )
    list_name = models.CharField(max_length=100)
    # of the last import that was finished, as Import.mapping
    mapping = models.JSONField(default=dict)
    rhythm = models.CharField(
        _("repeat"), max_length=6, choices=ImportRhythm.choices, default=ImportRhythm.DAILY
    )
    at = models.TimeField(_("time"), null=True, blank=True)  # in the owner's time zone
    weekday = models.PositiveSmallIntegerField(_("day"), choices=tuple(WEEKDAYS.items()), default=0)
    # a file in which more rows would be rejected is not imported
    max_rejected_percent = models.PositiveSmallIntegerField(default=10)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    paused = models.BooleanField(default=False)
    pause_reason = models.CharField(max_length=200, blank=True)  # empty: a user paused it
    next_run_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)  # no other worker may run it before
    lease_token = models.CharField(max_length=32, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)  # SHA-256, in hex
    is_settled = models.BooleanField(default=False)
    refusal = models.CharField(max_length=300, blank=True)  # why that content is not imported
    latest_import = models.ForeignKey(
        Import, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_importing = models.BooleanField(default=False)  # the outcome of latest_import is to come
    rows = models.PositiveIntegerField(default=0)  # of the last file that was imported
    last_run_at = models.DateTimeField(null=True)
    last_result = models.CharField(
        max_length=9, choices=RunResult.choices, default=RunResult.NONE, blank=True
    )
    last_text = models.CharField(max_length=300, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # in a row
    is_reported = models.BooleanField(default=False)  # the owner got an e-mail about the trouble

    class Meta:
        verbose_name = _("scheduled import")
        verbose_name_plural = _("scheduled imports")
        ordering = ["list_name", "id"]
        indexes = [models.Index("next_run_at", name="import_schedule_next")]  # runs.enqueue_due

    def __str__(self) -> str:
        return self.list_name

    def get_absolute_url(self) -> str:
        return reverse("import-schedules")
