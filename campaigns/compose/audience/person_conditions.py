"""Contacts by what belongs to the person and not to a list: consent, language, topics.

Each is one look-up by the phone. A phone without a row has neither consent nor language nor topics.
"""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from campaigns.compose.models import Condition, ConditionKind
from campaigns.contacts.models import Consent, Person
from campaigns.contacts.people import languages

SAME_PHONE = Q(msisdn=OuterRef("msisdn"))


def has_consent(consent: str) -> Q:
    """Contacts whose consent is `consent`; it is unknown for all of whom nothing else is known."""
    if consent == Consent.UNKNOWN:
        return ~Q(Exists(Person.objects.filter(SAME_PHONE).exclude(consent=Consent.UNKNOWN)))
    return Q(Exists(Person.objects.filter(SAME_PHONE, consent=consent)))


def has_language(language: str) -> Q:
    """Contacts whose language has the tag `language`; "": whose language is not known."""
    if not language:
        return ~Q(Exists(Person.objects.filter(SAME_PHONE).exclude(language="")))
    return Q(Exists(Person.objects.filter(SAME_PHONE, language=language)))


def has_topic(topic: str, *, wanted: bool) -> Q:
    """Contacts who said that they want messages about `topic`, or that they do not."""
    said = Q(topics__topic=topic, topics__wanted=wanted)
    return Q(Exists(Person.objects.filter(SAME_PHONE, said)))


def describe(condition: Condition) -> str:
    """Describe a condition as `segments.describe_condition` does: "language is Ukrainian"."""
    if condition.kind == ConditionKind.TOPIC:
        text = _("does not want “%(topic)s”") if condition.negated else _("wants “%(topic)s”")
        return text % {"topic": condition.value}
    if condition.kind == ConditionKind.CONSENT:
        text = _("consent is not %(value)s") if condition.negated else _("consent is %(value)s")
        return text % {"value": str(Consent(condition.value).label).lower()}
    if not condition.value:
        return _("language is known") if condition.negated else _("language is not known")
    text = _("language is not %(value)s") if condition.negated else _("language is %(value)s")
    return text % {"value": languages.name(condition.value)}
