"""Contacts: who may be written to, where they came from, and who must not be."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

MSISDN_LENGTH = 15  # E.164 digits, without the plus


class CompactEncoder(json.JSONEncoder):
    """JSON as imports write it, so that what a page saved and what a file brought compare as equal
    texts.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False, "separators": (",", ":")})


class ContactList(models.Model):
    """People under one name. `contact_count` and `fields` are kept by imports and edits, never
    counted on a page.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    # names of the merge fields, in the order of the file's columns
    fields = models.JSONField(default=list, blank=True)
    contact_count = models.PositiveIntegerField(default=0)
    # {"UA": 1200}: people by country; adds up to contact_count
    countries = models.JSONField(default=dict, blank=True)
    # contacts up to this id are in the index that searches use
    searched_to = models.BigIntegerField(default=0)
    # the last campaign whose audience was taken from it; written by dispatch
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        "campaigns.Campaign", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("contact list")
        verbose_name_plural = _("contact lists")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("list-detail", args=[self.pk])


class Contact(models.Model):
    """One phone on one list, with the other columns of the file as merge fields."""

    # No constraint in the database: its check is the largest cost of an import; a list's contacts
    # go before the list does.
    list = models.ForeignKey(
        ContactList, models.CASCADE, db_constraint=False, db_index=False, related_name="contacts"
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    country = models.CharField(_("country"), max_length=2, blank=True)
    # {"first_name": "Olena"}; text only, and only what is not empty
    fields = models.JSONField(default=dict, blank=True, encoder=CompactEncoder)
    # the file that brought or last changed it
    source = models.ForeignKey(
        "campaigns.Import",
        models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [models.UniqueConstraint("list", "msisdn", name="contact_list_msisdn")]
        indexes = [
            # the freeze walks a list in slices; pages go by it too
            models.Index("list", "id", name="contact_list_id"),
            models.Index("msisdn", name="contact_msisdn"),  # one person's lists
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class ImportState(models.TextChoices):
    READING = "reading", _("Opening file")
    UPLOADED = "uploaded", _("Choose columns")
    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Checked")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Importing")
    FINISHED = "finished", _("Finished")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Import(models.Model):
    """One file on its way into one list; afterwards the report of what came of its rows.

    READING -> UPLOADED -> CHECKING -> CHECKED -> QUEUED -> RUNNING -> FINISHED
                  ^                       |         any of them before -> FAILED | CANCELLED
                  +-----------------------+

    `rows` = `new` + `updated` + `unchanged` + `duplicates` + `stop_listed` + `rejected`. `next_row`
    is where it goes on after a worker died: rows before it are written, counted and committed
    together.
    """

    list = models.ForeignKey(ContactList, models.SET_NULL, null=True, related_name="imports")
    list_name = models.CharField(max_length=100)
    file_name = models.CharField(max_length=255)  # as the person knows it
    path = models.CharField(max_length=500, blank=True)  # below UPLOAD_ROOT; empty once removed
    # how the file is read: kind, encoding, delimiter, quote, header, phones, fields, country,
    # existing (update | keep)
    mapping = models.JSONField(default=dict)
    # what the check found: rows, new, known, duplicates, …, by country
    checked = models.JSONField(default=dict)
    state = models.CharField(
        max_length=9, choices=ImportState.choices, default=ImportState.UPLOADED
    )
    failure = models.CharField(max_length=300, blank=True)
    next_row = models.PositiveIntegerField(default=0)
    total_rows = models.PositiveIntegerField(null=True)
    rows = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    stop_listed = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    rejected_by_reason = models.JSONField(default=dict)
    countries = models.JSONField(default=dict)  # the people it brought or found, by country
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)  # a worker is at it until then
    lease_token = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("import-detail", args=[self.pk])


class RejectedRow(models.Model):
    """A row that did not come in: as it was, where it stands in the file, and why."""

    source = models.ForeignKey(Import, models.CASCADE, related_name="rejected_rows")
    row_number = models.PositiveIntegerField()  # as a spreadsheet shows it: the first line is 1
    row = models.JSONField(default=list)
    reason = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint("source", "row_number", name="rejected_row_once")]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.reason}"


class StopListEntry(models.Model):
    """Somebody who must never get a message, whatever list they are on. Survives the erasure of the
    contact.
    """

    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH, unique=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("stop list entry")
        verbose_name_plural = _("stop list")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"+{self.msisdn}"
