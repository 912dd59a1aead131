"""Contact lists, their contacts, imports with rejected rows and undo, the stop list, persons."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded, ParentBrandManager, SharedBrandManager
from campaigns.shared.brands.scope import MAIN, brand_of_new
from campaigns.team.models import Brand

MSISDN_LENGTH = 15  # E.164 digits, without the plus


class CompactEncoder(json.JSONEncoder):
    """JSON as imports write it, so that equal values saved by a page are equal texts too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False, "separators": (",", ":")})


class FieldType(models.TextChoices):
    """What the values of a field are. Each type has one normal form (field_types/value_formats.py);
    a value that cannot be read as the type stays as it was written.
    """

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    YES_NO = "yes_no", _("Yes or no")


class ContactList(Branded):
    """Contacts under one name.

    Imports and edits keep `contact_count`, `countries` and `fields` up to date: pages never count.
    """

    name = models.CharField(_("name"), max_length=100)
    # names of the merge tags, in the order of the file's columns
    fields = models.JSONField(default=list, blank=True)
    # merge tag -> FieldType: {"birthday": "date"}; those without an entry are texts. NULL is {}:
    # with a default, SQLite would copy the table, which triggers of the search index name.
    field_types = models.JSONField(null=True, blank=True)
    contact_count = models.PositiveIntegerField(default=0)
    # {"UA": 1200}: contacts by country; adds up to contact_count
    countries = models.JSONField(default=dict, blank=True)
    # contacts up to this id are in the search index
    searched_to = models.BigIntegerField(default=0)
    # the last campaign that was sent to the list; written by dispatch
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
        constraints = [models.UniqueConstraint("brand", "name", name="contact_list_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("list-detail", args=[self.pk])

    def type_of(self, name: str) -> FieldType:
        """The type of the field `name`."""
        return FieldType((self.field_types or {}).get(name, FieldType.TEXT))


class Contact(models.Model):
    """A phone on a list, with the other columns of the file as merge tags."""

    # No constraint in the database: checking it would be the largest cost of an import. Deleting a
    # list deletes its contacts first.
    list = models.ForeignKey(
        ContactList, models.CASCADE, db_constraint=False, db_index=False, related_name="contacts"
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    country = models.CharField(_("country"), max_length=2, blank=True)
    # merge tag -> value: {"first_name": "Olena"}; non-empty texts only
    fields = models.JSONField(default=dict, blank=True, encoder=CompactEncoder)
    # the import that added or last changed it
    source = models.ForeignKey(
        "campaigns.Import",
        models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects = ParentBrandManager.of("list")

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [models.UniqueConstraint("list", "msisdn", name="contact_list_msisdn")]
        indexes = [
            # for the freeze, which reads a list in slices, and for pages
            models.Index("list", "id", name="contact_list_id"),
            models.Index("msisdn", name="contact_msisdn"),  # the lists of one phone
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
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")


IMPORTING = (ImportState.QUEUED, ImportState.RUNNING)
# the states in which an import changes its list, or waits to do so
CHANGING = (*IMPORTING, ImportState.UNDOING)


class Import(Branded):
    """The import of a file into a list, and its report.

    READING -> UPLOADED -> CHECKING -> CHECKED -> QUEUED -> RUNNING -> FINISHED
                  ^                       |         any of them before -> FAILED | CANCELLED
                  +-----------------------+
    FINISHED | FAILED | CANCELLED -> UNDOING -> UNDONE

    `rows` = `new` + `updated` + `unchanged` + `duplicates` + `stop_listed` + `rejected`.
    All rows before `next_row` are written and counted: the next worker continues there.
    """

    list = models.ForeignKey(ContactList, models.SET_NULL, null=True, related_name="imports")
    list_name = models.CharField(max_length=100)
    file_name = models.CharField(max_length=255)  # as uploaded
    path = models.CharField(max_length=500, blank=True)  # below UPLOAD_ROOT; empty once deleted
    # where the file is fetched from; whoever knows it may be able to read the file
    address = models.CharField(max_length=2000, blank=True, default="", db_default="")
    # how the file is read: kind, encoding, delimiter, quote, header, phones, fields, formats,
    # columns, country, sheet, sheets, existing (update | keep)
    mapping = models.JSONField(default=dict)
    # counts of the check: rows, new, known, duplicates, …, countries
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
    countries = models.JSONField(default=dict)  # contacts of the file by country
    # what became of the consents in the file (ConsentCounts); NULL: it was not asked for any
    consents = models.JSONField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)  # no other worker may take it before
    lease_token = models.CharField(max_length=32, blank=True)
    # errors of the database since the last slice: an import that has too many fails
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The newest contact of the list after the last slice: later ones are not of this import. NULL:
    # nothing is written yet, or what it changed is no longer kept, so it can't be undone.
    last_contact = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("import-detail", args=[self.pk])


class RejectedRow(models.Model):
    """A row that was not imported, or without its consent: number in the file, cells, reason."""

    source = models.ForeignKey(Import, models.CASCADE, related_name="rejected_rows")
    row_number = models.PositiveIntegerField()  # as in a spreadsheet, from 1
    row = models.JSONField(default=list)
    reason = models.CharField(max_length=30)

    objects = ParentBrandManager.of("source")

    class Meta:
        constraints = [models.UniqueConstraint("source", "row_number", name="rejected_row_once")]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.reason}"


class OverwrittenContact(models.Model):
    """The values of a contact before an import changed it, kept for a time to undo the import."""

    # No constraints: imports write it in bulk. Removing a contact, or pruning, deletes its rows.
    source = models.ForeignKey(
        Import, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    contact = models.BigIntegerField()  # its id
    # NULL: a user has changed or added the contact since, so an undo leaves it as it is
    fields = models.JSONField(null=True, encoder=CompactEncoder)
    old_source = models.BigIntegerField(null=True)  # the contact's `source` before

    class Meta:
        constraints = [models.UniqueConstraint("contact", "source", name="overwritten_once")]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.contact}"


class ImportUndo(models.Model):
    """How far the undo of an import has come, and what it did with the contacts of the import.

    At the end, `removed` + `restored` + `changed` + `sent` + `gone` are the new and updated
    contacts of the import.
    """

    source = models.OneToOneField(Import, models.CASCADE, related_name="undo")
    position = models.BigIntegerField(default=0)  # contacts up to this id are done
    removed = models.PositiveIntegerField(default=0)  # they were new
    restored = models.PositiveIntegerField(default=0)  # they have their old values again
    changed = models.PositiveIntegerField(default=0)  # left: a later import or a user changed them
    sent = models.PositiveIntegerField(default=0)  # left: something was sent to them
    gone = models.PositiveIntegerField(default=0)  # they were no longer on the list
    consent_position = models.BigIntegerField(default=0, db_default=0)  # records up to this id too
    consents = models.PositiveIntegerField(default=0, db_default=0)  # are as before the import
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ParentBrandManager.of("source")

    def __str__(self) -> str:
        return str(self.source)


class StopListEntry(models.Model):
    """A phone that never gets a message, whatever lists it is on. Survives erasing the contact."""

    # None: of no brand, the phone gets no message from any
    brand: models.ForeignKey[Brand | None, Brand | None] = models.ForeignKey(
        Brand,
        models.PROTECT,
        null=True,
        blank=True,
        default=brand_of_new,
        db_default=models.Value(MAIN),
        related_name="+",
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SharedBrandManager()

    class Meta:
        verbose_name = _("stop list entry")
        verbose_name_plural = _("stop list")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("msisdn", "brand", name="stop_list_phone"),
            models.UniqueConstraint(
                "msisdn", condition=models.Q(brand=None), name="stop_list_phone_of_all"
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class Consent(models.TextChoices):
    """Whether a person agreed to get messages. WITHDRAWN: the phone is on the stop list too."""

    UNKNOWN = "unknown", _("Unknown")
    GIVEN = "given", _("Given")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ConsentWording(Branded):
    """What persons agreed to, word for word: stored once for each text in a brand."""

    text = models.TextField(_("wording"))
    fingerprint = models.CharField(max_length=64)  # SHA-256 of the text, which is too long for keys
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("brand", "fingerprint", name="wording_once")]

    def __str__(self) -> str:
        return self.text


class Person(Branded):
    """What belongs to a phone in a brand, and not to one of its lists.

    Most phones have no row: it is made when something is first entered (people/person.py), or
    imported with a consent (consent/). Without a row all is as in a new one.

    The columns of consent are those of its newest ConsentRecord: whoever changes them adds one.
    """

    # No constraints where imports write it: their checks were a fifth of an import with consents.
    brand = models.ForeignKey(
        Brand,
        models.PROTECT,
        default=brand_of_new,
        db_default=models.Value(MAIN),
        db_constraint=False,
        related_name="+",
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    consent = models.CharField(
        _("consent"), max_length=9, choices=Consent.choices, default=Consent.UNKNOWN
    )
    # when and how consent was given, or withdrawn; empty while it is unknown
    consent_on = models.DateField(_("consent date"), null=True, blank=True)
    consent_source = models.CharField(_("consent source"), max_length=200, blank=True)
    consent_wording = models.ForeignKey(
        ConsentWording, models.DO_NOTHING, null=True, blank=True, db_constraint=False,
        db_index=False, related_name="+",
    )  # fmt: skip
    language = models.CharField(_("language"), max_length=35, blank=True)  # a tag such as "pt-BR"
    notes = models.TextField(_("notes"), blank=True)
    # counts the changes, so that sums over all rows tell apart what was counted (versions.py)
    version = models.PositiveIntegerField(default=0)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_constraint=False,
        related_name="+",
    )  # fmt: skip
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")
        constraints = [models.UniqueConstraint("msisdn", "brand", name="person_once")]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class ConsentRecord(models.Model):
    """An entry in the history of a person's consent, which is never changed: the proof of it.

    `day`, `source` and `wording` are what was entered; `recorded_at` is when, and the rest by whom:
    a user, a user's API token, or an import.
    """

    # Imports write it in bulk, so no constraints. Erasing a person deletes its records.
    person = models.ForeignKey(
        Person, models.CASCADE, db_constraint=False, db_index=False, related_name="consent_records"
    )
    consent = models.CharField(_("consent"), max_length=9, choices=Consent.choices)
    day = models.DateField(_("consent date"), null=True)
    source = models.CharField(_("consent source"), max_length=200, blank=True)
    wording = models.ForeignKey(
        ConsentWording, models.DO_NOTHING, null=True, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    token = models.CharField(max_length=20, blank=True)  # the beginning of the API token
    # the import that wrote it, or whose undo did (`is_undo`)
    imported = models.ForeignKey(
        Import,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    is_undo = models.BooleanField(default=False)

    objects = ParentBrandManager.of("person")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index("person", "id", name="consent_record_person"),  # the history of a person
            models.Index(  # for the undo of an import
                "imported",
                "id",
                name="consent_record_import",
                condition=models.Q(imported__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.consent}"


class TopicPreference(models.Model):
    """A topic that a person wants to get messages about, or does not want."""

    person = models.ForeignKey(Person, models.CASCADE, db_index=False, related_name="topics")
    topic = models.CharField(_("topic"), max_length=50)  # in small letters
    wanted = models.BooleanField(_("wanted"))

    objects = ParentBrandManager.of("person")

    class Meta:
        verbose_name = _("topic of a person")
        verbose_name_plural = _("topics of persons")
        ordering = ["topic"]
        constraints = [models.UniqueConstraint("person", "topic", name="topic_preference_once")]
        indexes = [models.Index("topic", name="topic_preference_topic")]  # the topics in use

    def __str__(self) -> str:
        return self.topic
