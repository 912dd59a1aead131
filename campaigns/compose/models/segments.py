"""Segments: saved conditions on contacts."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models.library import Sender
from campaigns.contacts.models import ContactList, Import
from campaigns.shared.brands.models import Branded, ParentBrandManager


class Match(models.TextChoices):
    """How the conditions of a segment combine."""

    ALL = "all", _("all conditions")
    ANY = "any", _("any condition")


class Segment(Branded):
    """Saved conditions on contacts, evaluated each time they are used (audience/segments.py)."""

    name = models.CharField(_("name"), max_length=100)
    match = models.CharField(
        _("contacts who meet"),
        max_length=3,
        choices=Match.choices,
        default=Match.ALL,
        db_column="met",
    )
    # its contacts when they were last counted, for lists of segments
    people = models.PositiveIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]
        constraints = [models.UniqueConstraint("brand", "name", name="segment_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("segment-detail", args=[self.pk])


class ConditionKind(models.TextChoices):
    """What a condition is about."""

    FIELD = "field", _("Merge tag")
    COUNTRY = "country", _("Country")
    LIST = "list", _("List")
    IMPORT = "import", _("Import")
    MESSAGES = "messages", _("Message history")
    CONSENT = "consent", _("Consent")
    LANGUAGE = "language", _("Language")
    TOPIC = "topic", _("Topic")


class Operator(models.TextChoices):
    IS = "is", _("is")
    IS_NOT = "is_not", _("is not")
    CONTAINS = "contains", _("contains")
    STARTS = "starts", _("starts with")
    MORE = "more", _("is more than")
    LESS = "less", _("is less than")
    FILLED = "filled", _("is not empty")
    EMPTY = "empty", _("is empty")
    AT_LEAST = "at_least", _("is at least")
    AT_MOST = "at_most", _("is at most")
    ON = "on", _("is on")
    BEFORE = "before", _("is before")
    AFTER = "after", _("is after")
    LAST_DAYS = "last", _("is in the last … days")
    NEXT_DAYS = "next", _("is in the next … days")
    TODAY = "today", _("is today, in any year")
    IN_DAYS = "in_days", _("is in exactly … days")
    DAYS_AGO = "days_ago", _("was exactly … days ago")
    BETWEEN = "between", _("is between two dates")
    ANY_YEAR = "any_year", _("is on a day of any year")
    YEARLY = "yearly", _("has its anniversary in … days")
    YES = "yes", _("is yes")
    NO = "no", _("is no")


# Operators without a value, and those that compare with one as a number or a date.
WITHOUT_VALUE = (Operator.FILLED, Operator.EMPTY, Operator.TODAY, Operator.YES, Operator.NO)
COMPARISONS = (Operator.MORE, Operator.LESS, Operator.AT_LEAST, Operator.AT_MOST)
WITH_DAY = (Operator.ON, Operator.BEFORE, Operator.AFTER)
WITH_DAYS = (
    Operator.LAST_DAYS,
    Operator.NEXT_DAYS,
    Operator.IN_DAYS,
    Operator.DAYS_AGO,
    Operator.YEARLY,
)
OF_CALENDAR = (Operator.BETWEEN, Operator.ANY_YEAR)
BY_TODAY = (*WITH_DAYS, Operator.TODAY)  # what they select changes at midnight


class RecipientOutcome(models.TextChoices):
    """The outcome of a campaign for a recipient, to select contacts by.

    audience/recipient_outcomes.py has the condition of each.
    """

    ALL = "all", _("All recipients")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")
    CLICKED = "clicked", _("Clicked")
    NOT_DELIVERED = "not_delivered", _("Not delivered")
    REFUSED = "refused", _("Refused")


class Condition(models.Model):
    """One condition of a segment; `kind` decides which columns are used.

    The rows it refers to are protected: without them it would select other contacts.
    """

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="conditions")
    place = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=ConditionKind.choices, db_column="asks")
    negated = models.BooleanField(default=False)  # not for FIELD, which has operators
    field = models.CharField(_("merge tag"), max_length=100, blank=True)
    operator = models.CharField(_("condition"), max_length=8, choices=Operator.choices, blank=True)
    # of FIELD, or the consent, the language ("" is none) or the topic
    value = models.CharField(_("value"), max_length=200, blank=True)
    countries = models.JSONField(default=list, blank=True)  # codes; "" is an unknown country
    list = models.ForeignKey(
        ContactList, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("list")
    )
    source = models.ForeignKey(
        Import, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("import")
    )
    outcome = models.CharField(
        _("outcome"), max_length=13, choices=RecipientOutcome.choices, blank=True
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("campaign"),
    )
    sender = models.ForeignKey(
        Sender, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sender")
    )
    # in the last … days; None: ever
    days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)

    objects = ParentBrandManager.of("segment")

    class Meta:
        verbose_name = _("segment")  # shown together with the segment's name
        verbose_name_plural = _("conditions")
        ordering = ["place"]
        constraints = [models.UniqueConstraint("segment", "place", name="condition_place")]

    def __str__(self) -> str:
        return str(self.segment)
