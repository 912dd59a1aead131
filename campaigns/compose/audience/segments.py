"""The contacts of a segment, its description, and saving and duplicating segments.

A segment selects rows of contacts; a phone has one row for each list it is on. Conditions on merge
tags, countries and imports look at that row; all others (lists, message history, consent, language,
topics) look at the phone. If all conditions have to be met, the first list to be on selects its own
rows, so that its merge tags are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import and_, or_

from django.db import transaction
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IsNull,
    LessThan,
    LessThanOrEqual,
)
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.compose.audience import person_conditions, recipient_outcomes
from campaigns.compose.audience.comparable_values import day_of, number_of, stored_threshold
from campaigns.compose.audience.day_conditions import describe_day, meets_day
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.compose.models.segments import (
    BY_TODAY,
    COMPARISONS,
    OF_CALENDAR,
    WITH_DAY,
    WITH_DAYS,
)
from campaigns.contacts.field_types.shown_values import for_reader
from campaigns.contacts.field_types.value_formats import NO, YES
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.stop_list import is_stopped
from campaigns.contacts.models import Contact, FieldType
from campaigns.contacts.phones import countries
from campaigns.ledger.models import Purpose
from campaigns.shared.days import site_day
from campaigns.shared.text import FoldedContains, FoldedStartsWith
from campaigns.team import audit
from campaigns.team.models import User

NO_CONTACTS = Q(pk__in=[])
# conditions on what belongs to the person: see contacts/people
PERSON_KINDS = (ConditionKind.CONSENT, ConditionKind.LANGUAGE, ConditionKind.TOPIC)
# campaigns whose recipients can be selected
SELECTABLE_CAMPAIGNS = Q(frozen_at__isnull=False, purpose=Purpose.CAMPAIGN)


@dataclass(frozen=True, slots=True)
class ConditionSet:
    """Conditions, saved or not, and how they combine. No condition selects nobody."""

    conditions: Sequence[Condition]
    match: str = Match.ALL

    @classmethod
    def of(cls, segment: Segment) -> "ConditionSet":
        """The saved conditions of `segment`."""
        return cls(
            list(segment.conditions.select_related("list", "source", "campaign", "sender")),
            segment.match,
        )

    @property
    def has_no_duplicates(self) -> bool:
        """Whether no phone can be selected twice: all rows are of one list."""
        return self.match == Match.ALL and any(
            condition.kind == ConditionKind.LIST and not condition.negated
            for condition in self.conditions
        )

    def contacts(
        self, at: datetime | None = None, exclude_campaign: int = 0, today: date | None = None
    ) -> Q:
        """The condition on contacts.

        Days count back from `at` or now; `today` is the site's day then. The campaign with the id
        `exclude_campaign` is no part of anybody's message history.
        """
        if not self.conditions:
            return NO_CONTACTS
        moment, parts, has_list = at or timezone.now(), [], self.match == Match.ANY
        today = today or site_day(moment)
        for condition in self.conditions:
            if condition.kind == ConditionKind.LIST and not condition.negated and not has_list:
                has_list = True
                parts.append(Q(list=condition.list_id))
            else:
                parts.append(_meets(condition, moment, exclude_campaign, today))
        return reduce(and_ if self.match == Match.ALL else or_, parts)


def _meets(condition: Condition, at: datetime, exclude_campaign: int, today: date) -> Q:
    if condition.kind == ConditionKind.FIELD:
        return _meets_field(condition, today)
    if condition.kind == ConditionKind.COUNTRY:
        meets = Q(country__in=condition.countries)
    elif condition.kind == ConditionKind.LIST:
        meets = on_any_list(Q(list=condition.list_id))
    elif condition.kind == ConditionKind.IMPORT:
        meets = Q(source=condition.source_id)
        if condition.negated:  # then no row of the phone may come from the import
            meets = on_any_list(meets)
    elif condition.kind == ConditionKind.TOPIC:  # not wanted is what the person said
        return person_conditions.has_topic(condition.value, wanted=not condition.negated)
    elif condition.kind == ConditionKind.CONSENT:
        meets = person_conditions.has_consent(condition.value)
    elif condition.kind == ConditionKind.LANGUAGE:
        meets = person_conditions.has_language(condition.value)
    else:
        meets = _has_outcome(condition, at, exclude_campaign)
    return ~meets if condition.negated else meets


def on_any_list(condition: Q) -> Q:
    """Contacts whose phone meets `condition` on any list."""
    return Q(Exists(Contact.objects.filter(condition, msisdn=OuterRef("msisdn"))))


def _has_outcome(condition: Condition, at: datetime, exclude_campaign: int) -> Q:
    campaigns = Q()
    if condition.campaign_id:
        campaigns &= Q(pk=condition.campaign_id)
    if condition.sender_id:
        campaigns &= Q(sender=condition.sender_id)
    since = at - timedelta(days=condition.days) if condition.days else None
    return recipient_outcomes.received_outcome(
        condition.outcome, campaigns, since, exclude_campaign
    )


def _meets_field(condition: Condition, today: date) -> Q:
    """A condition on a merge tag. A missing value is "", which is neither more nor less."""
    value = _value_of(condition)
    wanted = condition.value
    match condition.operator:
        case Operator.IS:
            return Q(Exact(KeyTextTransform(condition.field, "fields"), wanted))
        case Operator.IS_NOT:
            return ~Q(Exact(value, wanted))
        case Operator.CONTAINS:
            return Q(FoldedContains(value, wanted))
        case Operator.STARTS:
            return Q(FoldedStartsWith(value, wanted))
        case Operator.FILLED:
            return ~Q(Exact(value, ""))
        case Operator.EMPTY:
            return Q(Exact(value, ""))
        case Operator.YES | Operator.NO:
            answer = YES if condition.operator == Operator.YES else NO
            return Q(Exact(KeyTextTransform(condition.field, "fields"), answer))
    if condition.operator in (*BY_TODAY, *OF_CALENDAR):
        day = day_of(condition.field, value)
        return meets_day(condition.operator, wanted, day, today) or NO_CONTACTS
    return _compares(condition, value)


def _value_of(condition: Condition) -> Coalesce:
    value = KeyTextTransform(condition.field, "fields")
    return Coalesce(value, Value(""), output_field=TextField())


LOOKUPS = {
    Operator.MORE: GreaterThan,
    Operator.AFTER: GreaterThan,
    Operator.LESS: LessThan,
    Operator.BEFORE: LessThan,
    Operator.AT_LEAST: GreaterThanOrEqual,
    Operator.AT_MOST: LessThanOrEqual,
    Operator.ON: Exact,
}


def _compares(condition: Condition, value: Coalesce) -> Q:
    lookup = LOOKUPS[Operator(condition.operator)]
    threshold = stored_threshold(condition.value)
    if isinstance(threshold, date):
        return Q(lookup(day_of(condition.field, value), Value(threshold.isoformat())))
    if threshold is None or condition.operator in WITH_DAY:
        return NO_CONTACTS
    return Q(lookup(number_of(condition.field, value), Value(float(threshold))))


def count_incomparable(conditions: ConditionSet) -> int:
    """Count the contacts with a value that a condition cannot compare, because it is no number, or
    no date.
    """
    parts = []
    for condition in conditions.conditions:
        compared = _compared(condition)
        if compared is not None:
            parts.append(~Q(Exact(_value_of(condition), "")) & Q(IsNull(compared, True)))
    return distinct_phones(Contact.objects.filter(reduce(or_, parts))).count() if parts else 0


def _compared(condition: Condition) -> Case | None:
    """What a condition compares of a value; None if it does not compare."""
    if condition.operator in (*WITH_DAY, *BY_TODAY, *OF_CALENDAR):
        return day_of(condition.field, _value_of(condition))
    threshold = stored_threshold(condition.value) if condition.operator in COMPARISONS else None
    if threshold is None:
        return None
    read = day_of if isinstance(threshold, date) else number_of
    return read(condition.field, _value_of(condition))


def distinct_phones(contacts: QuerySet[Contact]) -> QuerySet[Contact, int]:
    """The phones of `contacts`, each once, as one column of numbers.

    Numbers are shorter to compare, and they keep PostgreSQL from walking the index of phones row by
    row through the whole table.
    """
    number = Cast("msisdn", BigIntegerField())
    return contacts.order_by().annotate(number=number).values_list("number", flat=True).distinct()


def count_contacts(conditions: ConditionSet) -> int:
    """Count the contacts that meet `conditions`, each phone once."""
    contacts = Contact.objects.filter(conditions.contacts())
    if conditions.has_no_duplicates:
        return contacts.count()
    return distinct_phones(contacts).count()


def count_stopped(conditions: ConditionSet) -> int:
    """Count those of these contacts who are on the stop list, each phone once."""
    return distinct_phones(Contact.objects.filter(conditions.contacts(), is_stopped())).count()


def recount(segment: Segment) -> int:
    """Count the contacts of a saved segment, and store the number for lists of segments."""
    segment.people, segment.counted_at = count_contacts(ConditionSet.of(segment)), timezone.now()
    Segment.objects.filter(pk=segment.pk).update(
        people=segment.people, counted_at=segment.counted_at
    )
    return segment.people


def first_contacts(conditions: ConditionSet, limit: int) -> list[Contact]:
    """At most `limit` of the contacts that meet `conditions`, each phone once."""
    contacts: dict[str, Contact] = {}
    rows = Contact.objects.filter(conditions.contacts()).select_related("list")
    # more rows than contacts, as some are on several lists; unordered, so the database stops early
    for contact in rows[: limit * 4]:
        contacts.setdefault(contact.msisdn, contact)
    return list(contacts.values())[:limit]


# --- descriptions


def describe_condition(condition: Condition) -> str:
    """Describe a condition as a person reads it: "city is “Kyiv”"."""
    if condition.kind == ConditionKind.FIELD:
        return _describe_field(condition)
    if condition.kind == ConditionKind.COUNTRY:
        names = ", ".join(countries.name(code) or _("unknown") for code in condition.countries)
        return (_("not from %(countries)s") if condition.negated else _("from %(countries)s")) % {
            "countries": names
        }
    if condition.kind == ConditionKind.LIST:
        return (_("not on “%(list)s”") if condition.negated else _("on “%(list)s”")) % {
            "list": condition.list
        }
    if condition.kind == ConditionKind.IMPORT:
        text = _("not imported from %(file)s") if condition.negated else _("imported from %(file)s")
        return text % {"file": import_label(condition.source)}
    if condition.kind in PERSON_KINDS:
        return person_conditions.describe(condition)
    return _describe_history(condition)


def _describe_field(condition: Condition) -> str:
    operator, value = condition.operator, condition.value
    if (operator in WITH_DAYS and value.isdecimal()) or (operator in OF_CALENDAR and value):
        return f"{condition.field} {describe_day(operator, value)}"
    if operator in WITH_DAY:
        value = for_reader(value, FieldType.DATE)
    shown = f"“{value}”" if value else ""
    return f"{condition.field} {condition.get_operator_display()} {shown}".strip()


def import_label(imported: object) -> str:
    """The name of an import with its time, as several may have the same file name."""
    when = getattr(imported, "created_at", None)
    return (
        f"{imported} ({date_format(timezone.localtime(when), 'j M Y, H:i')})"
        if when
        else str(imported)
    )


OUTCOME_TEXTS = {  # (outcome, negated)
    (RecipientOutcome.ALL, False): gettext_lazy("was a recipient of a campaign"),
    (RecipientOutcome.SENT, False): gettext_lazy("was sent a message"),
    (RecipientOutcome.DELIVERED, False): gettext_lazy("had a message delivered"),
    (RecipientOutcome.READ, False): gettext_lazy("read a message"),
    (RecipientOutcome.CLICKED, False): gettext_lazy("clicked a link"),
    (RecipientOutcome.NOT_DELIVERED, False): gettext_lazy("had an undelivered message"),
    (RecipientOutcome.REFUSED, False): gettext_lazy("had a message refused"),
    (RecipientOutcome.ALL, True): gettext_lazy("was never a recipient of a campaign"),
    (RecipientOutcome.SENT, True): gettext_lazy("was never sent a message"),
    (RecipientOutcome.DELIVERED, True): gettext_lazy("never had a message delivered"),
    (RecipientOutcome.READ, True): gettext_lazy("never read a message"),
    (RecipientOutcome.CLICKED, True): gettext_lazy("never clicked a link"),
    (RecipientOutcome.NOT_DELIVERED, True): gettext_lazy("never had an undelivered message"),
    (RecipientOutcome.REFUSED, True): gettext_lazy("never had a message refused"),
}


def _describe_history(condition: Condition) -> str:
    parts = [str(OUTCOME_TEXTS[RecipientOutcome(condition.outcome), condition.negated])]
    if condition.campaign:
        parts.append(_("“%(name)s”") % {"name": condition.campaign})
    if condition.sender:
        parts.append(_("sender %(name)s") % {"name": condition.sender})
    if condition.days:
        parts.append(
            ngettext("in the last %d day", "in the last %d days", condition.days) % condition.days
        )
    return " · ".join(parts)


# --- saving


def is_being_frozen(segment: Segment) -> bool:
    """Whether a campaign is being frozen from `segment`, which must not change until then."""
    being_frozen = Q(state=CampaignState.PREPARING) | Q(state=CampaignState.PAUSED, frozen_at=None)
    return Campaign.objects.filter(
        being_frozen, Q(segments=segment) | Q(exclude_segments=segment)
    ).exists()


@transaction.atomic
def save(segment: Segment, conditions: Sequence[Condition], actor: User | None) -> Segment:
    """Save a segment, new or not, with exactly these conditions.

    Raises Refused while a campaign is being frozen from it.
    """
    exists = segment.pk is not None
    if exists and is_being_frozen(segment):
        raise ContactsError(
            _("A campaign is preparing its recipients from this segment. Try again in a minute.")
        )
    if not exists:
        segment.created_by = actor
    segment.save()
    segment.conditions.all().delete()
    for place, condition in enumerate(conditions):
        condition.pk, condition.segment, condition.place = None, segment, place
    Condition.objects.bulk_create(conditions)
    audit.record(actor, segment, "edited" if exists else "created", segment.name)
    return segment


@transaction.atomic
def duplicate(segment: Segment, actor: User | None) -> Segment:
    """Create a segment with the same conditions, under a name that is not in use."""
    number, name = 1, _("%(name)s (copy)") % {"name": segment.name[:85]}
    free_name = name
    while Segment.objects.filter(name=free_name).exists():
        number += 1
        free_name = f"{name} {number}"
    copy = Segment(
        name=free_name, match=segment.match, people=segment.people, counted_at=segment.counted_at
    )
    return save(copy, list(segment.conditions.all()), actor)
