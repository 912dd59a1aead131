"""Who is in a segment: its conditions as one condition on contacts, and what is done with segments.

A segment chooses rows of contacts, of which a person has one a list. What a merge tag, a country or
an import says is said of that row; lists to be on or not, and messages, are asked of the person.
Where all conditions are to be met, the first list to be on is the one whose rows are meant, so that
its merge tags are the ones that count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_

from django.db import transaction
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Replace
from django.db.models.lookups import Exact, GreaterThan, IContains, IStartsWith, LessThan, Regex
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.compose.audience import recipient_outcomes
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Match,
    Operator,
    Outcome,
    Segment,
)
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.contact_lists import find_dependants
from campaigns.contacts.models import Contact
from campaigns.contacts.phones import countries
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User

NUMBER = r"^-?[0-9]{1,15}([.,][0-9]{1,6})?$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"  # sorts as it reads
NOBODY = Q(pk__in=[])
# campaigns whose people can be chosen
WENT_OUT = Q(frozen_at__isnull=False, purpose=Purpose.CAMPAIGN)


@dataclass(frozen=True, slots=True)
class Choice:
    """Conditions and how they are combined, saved or not. `len(conditions)` 0 is nobody."""

    conditions: Sequence[Condition]
    match: str = Match.ALL

    @classmethod
    def of(cls, segment: Segment) -> "Choice":
        """As `segment` has them saved."""
        return cls(
            list(segment.conditions.select_related("list", "source", "campaign", "sender")),
            segment.match,
        )

    @property
    def once(self) -> bool:
        """Whether nobody can be meant by two rows: all of them are of one list."""
        return self.match == Match.ALL and any(
            one.kind == ConditionKind.LIST and not one.negated for one in self.conditions
        )

    def rows(self, at: datetime | None = None, but: int = 0) -> Q:
        """The contacts that are meant. Days count back from `at` or now; of the campaign `but`
        nothing counts.
        """
        if not self.conditions:
            return NOBODY
        moment, found, pinned = at or timezone.now(), [], self.match == Match.ANY
        for condition in self.conditions:
            if condition.kind == ConditionKind.LIST and not condition.negated and not pinned:
                pinned = True
                found.append(Q(list=condition.list_id))
            else:
                found.append(_asked(condition, moment, but))
        return reduce(and_ if self.match == Match.ALL else or_, found)


def _asked(condition: Condition, at: datetime, but: int) -> Q:
    if condition.kind == ConditionKind.FIELD:
        return _field(condition)
    if condition.kind == ConditionKind.COUNTRY:
        asked = Q(country__in=condition.countries)
    elif condition.kind == ConditionKind.LIST:
        asked = has_row(Q(list=condition.list_id))
    elif condition.kind == ConditionKind.IMPORT:  # without it only who has no row of it at all
        asked = (
            has_row(Q(source=condition.source_id))
            if condition.negated
            else Q(source=condition.source_id)
        )
    else:
        asked = _messages(condition, at, but)
    return ~asked if condition.negated else asked


def has_row(which: Q) -> Q:
    """Contacts of whose person `which` is true on any list."""
    return Q(Exists(Contact.objects.filter(which, msisdn=OuterRef("msisdn"))))


def _messages(condition: Condition, at: datetime, but: int) -> Q:
    campaigns = Q()
    if condition.campaign_id:
        campaigns &= Q(pk=condition.campaign_id)
    if condition.sender_id:
        campaigns &= Q(sender=condition.sender_id)
    since = at - timedelta(days=condition.days) if condition.days else None
    return recipient_outcomes.received_outcome(condition.outcome, campaigns, since, but)


def _field(condition: Condition) -> Q:
    """What a merge tag says; who has no value has the empty one, which is neither more nor less
    than anything.
    """
    value = Coalesce(
        KeyTextTransform(condition.field, "fields"), Value(""), output_field=TextField()
    )
    said = condition.value
    match condition.operator:
        case Operator.IS:
            return Q(Exact(KeyTextTransform(condition.field, "fields"), said))
        case Operator.IS_NOT:
            return ~Q(Exact(value, said))
        case Operator.CONTAINS:
            return Q(IContains(value, said))
        case Operator.STARTS:
            return Q(IStartsWith(value, said))
        case Operator.FILLED:
            return ~Q(Exact(value, ""))
        case Operator.EMPTY:
            return Q(Exact(value, ""))
    compared = GreaterThan if condition.operator == Operator.MORE else LessThan
    if re.match(DATE, said):
        return Q(Regex(value, DATE)) & Q(compared(value, Value(said)))
    number = Cast(Replace(value, Value(","), Value(".")), FloatField())
    # a text that is no number must not reach the cast, which PostgreSQL refuses
    asked = Case(When(Regex(value, NUMBER), then=number), output_field=FloatField())
    return Q(compared(asked, Value(float(said.replace(",", ".")))))


def people(contacts: QuerySet[Contact]) -> QuerySet[Contact, int]:
    """The phones of `contacts`, each once, as one column.

    As numbers: there are fewer bytes to tell apart, and PostgreSQL is not led to walk the phones'
    index for it, row by row through the whole table.
    """
    number = Cast("msisdn", BigIntegerField())
    return contacts.order_by().annotate(number=number).values_list("number", flat=True).distinct()


def count(choice: Choice) -> int:
    """How many people are meant."""
    contacts = Contact.objects.filter(choice.rows())
    return contacts.count() if choice.once else people(contacts).count()


def recount(segment: Segment) -> int:
    """Count the people of a saved segment, and keep the number for where segments are listed."""
    segment.people, segment.counted_at = count(Choice.of(segment)), timezone.now()
    Segment.objects.filter(pk=segment.pk).update(
        people=segment.people, counted_at=segment.counted_at
    )
    return segment.people


def first(choice: Choice, most: int) -> list[Contact]:
    """Some of the people, each once: at most `most`."""
    found: dict[str, Contact] = {}
    rows = Contact.objects.filter(choice.rows()).select_related("list")
    # on several lists each; unordered, so that the database stops early
    for contact in rows[: most * 4]:
        found.setdefault(contact.msisdn, contact)
    return list(found.values())[:most]


# --- in words


def words(condition: Condition) -> str:
    """A condition as a person reads it: "city is Kyiv"."""
    if condition.kind == ConditionKind.FIELD:
        said = f"“{condition.value}”" if condition.value else ""
        return f"{condition.field} {condition.get_operator_display()} {said}".strip()
    if condition.kind == ConditionKind.COUNTRY:
        named = ", ".join(countries.name(code) or _("unknown") for code in condition.countries)
        return (_("not from %(countries)s") if condition.negated else _("from %(countries)s")) % {
            "countries": named
        }
    if condition.kind == ConditionKind.LIST:
        return (_("not on “%(list)s”") if condition.negated else _("on “%(list)s”")) % {
            "list": condition.list
        }
    if condition.kind == ConditionKind.IMPORT:
        said = _("did not come with %(file)s") if condition.negated else _("came with %(file)s")
        return said % {"file": import_name(condition.source)}
    return _messages_words(condition)


def import_name(imported: object) -> str:
    """An import as people tell it from others of the same file name."""
    when = getattr(imported, "created_at", None)
    return (
        f"{imported} ({date_format(timezone.localtime(when), 'j M Y, H:i')})"
        if when
        else str(imported)
    )


MESSAGES_WORDS = {  # (outcome, negated)
    (Outcome.ALL, False): gettext_lazy("was in a campaign"),
    (Outcome.SENT, False): gettext_lazy("was sent a message"),
    (Outcome.DELIVERED, False): gettext_lazy("got a message delivered"),
    (Outcome.READ, False): gettext_lazy("read a message"),
    (Outcome.NOT_DELIVERED, False): gettext_lazy("had a message not delivered"),
    (Outcome.REFUSED, False): gettext_lazy("had a message refused"),
    (Outcome.ALL, True): gettext_lazy("was never in a campaign"),
    (Outcome.SENT, True): gettext_lazy("was never sent a message"),
    (Outcome.DELIVERED, True): gettext_lazy("never got a message delivered"),
    (Outcome.READ, True): gettext_lazy("never read a message"),
    (Outcome.NOT_DELIVERED, True): gettext_lazy("had no message not delivered"),
    (Outcome.REFUSED, True): gettext_lazy("had no message refused"),
}


def _messages_words(condition: Condition) -> str:
    found = [str(MESSAGES_WORDS[Outcome(condition.outcome), condition.negated])]
    if condition.campaign:
        found.append(_("“%(name)s”") % {"name": condition.campaign})
    if condition.sender:
        found.append(_("sender %(name)s") % {"name": condition.sender})
    if condition.days:
        found.append(
            ngettext("in the last %d day", "in the last %d days", condition.days) % condition.days
        )
    return " · ".join(found)


# --- what is done with segments


def freezing(segment: Segment) -> bool:
    """Whether a campaign is fixing its audience by the segment just now: it must not change
    half-way.
    """
    halfway = Q(state=CampaignState.PREPARING) | Q(state=CampaignState.PAUSED, frozen_at=None)
    return Campaign.objects.filter(
        halfway, Q(segments=segment) | Q(exclude_segments=segment)
    ).exists()


@transaction.atomic
def save(segment: Segment, conditions: Sequence[Condition], actor: User | None) -> Segment:
    """Save a segment, new or not, with exactly these conditions. Raises Refused while a campaign is
    freezing it.
    """
    known = segment.pk is not None
    if known and freezing(segment):
        raise ContactsError(
            _("A campaign is fixing its audience by this segment just now. Try again in a minute.")
        )
    if not known:
        segment.created_by = actor
    segment.save()
    segment.conditions.all().delete()
    for place, condition in enumerate(conditions):
        condition.pk, condition.segment, condition.place = None, segment, place
    Condition.objects.bulk_create(conditions)
    audit.record(actor, segment, "edited" if known else "created", segment.name)
    return segment


@transaction.atomic
def duplicate(segment: Segment, actor: User | None) -> Segment:
    """A new segment of the same conditions, under a name that is free."""
    number, name = 1, _("%(name)s (copy)") % {"name": segment.name[:85]}
    free = name
    while Segment.objects.filter(name=free).exists():
        number += 1
        free = f"{name} {number}"
    copy = Segment(
        name=free, match=segment.match, people=segment.people, counted_at=segment.counted_at
    )
    return save(copy, list(segment.conditions.all()), actor)


def delete(segment: Segment, actor: User | None) -> None:
    """Delete a segment. Raises Refused while a campaign that has not gone out needs it."""
    needed = [found.name for found in find_dependants(segment) if found.needs_it]
    if needed:
        raise ContactsError(
            _("The segment is needed by %(names)s.") % {"names": ", ".join(needed[:5])}
        )
    with transaction.atomic():
        audit.record(actor, segment, "deleted", segment.name)
        segment.delete()
