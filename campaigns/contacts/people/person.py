"""The values of a person: reading them for a page, and changing them.

The row of a person is made by the first change. A change of consent is added to the history of the
person (consent/history.py) in the same transaction. Withdrawing consent adds the phone to the stop
list in it too; giving it again leaves the stop list as it is, since the phone may be there for
another reason.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.contacts.consent import history, wordings
from campaigns.contacts.lists import stop_list
from campaigns.contacts.lists.seen_values import changed_values, find_conflicts
from campaigns.contacts.models import Consent, Person, StopListEntry, TopicPreference
from campaigns.contacts.people.topics import join_topics, read_topics
from campaigns.team.audit import record
from campaigns.team.models import User

CONSENT = ("consent", "consent_on", "consent_source", "consent_wording")  # change together
WANTED, UNWANTED = "wanted_topics", "unwanted_topics"
VALUES = (*CONSENT, "language", WANTED, UNWANTED, "notes")


def find(msisdn: str) -> Person:
    """The person with this phone; one that is not stored if nothing was entered yet."""
    return Person.objects.filter(msisdn=msisdn).first() or Person(msisdn=msisdn)


def topics_of(person: Person, wanted: bool) -> list[str]:
    """The topics that `person` wants, or does not want."""
    if not person.pk:  # not stored
        return []
    return [row.topic for row in person.topics.all() if row.wanted == wanted]


def values_of(person: Person) -> dict[str, str]:
    """The values of VALUES as texts, as forms post them: days in ISO 8601, "" for none."""
    return {
        "consent": person.consent,
        "consent_on": person.consent_on.isoformat() if person.consent_on else "",
        "consent_source": person.consent_source,
        "consent_wording": person.consent_wording.text if person.consent_wording else "",
        "language": person.language,
        WANTED: join_topics(topics_of(person, wanted=True)),
        UNWANTED: join_topics(topics_of(person, wanted=False)),
        "notes": person.notes,
    }


@transaction.atomic
def change(
    msisdn: str, values: Mapping[str, str], seen: Mapping[str, str], actor: User | None
) -> dict[str, str]:
    """Change the values of a person that differ from those that the user has `seen`.

    If one of those to change is no longer as it was seen, nothing is saved; returned are these with
    their present values. Consent, its date, source and wording count as one value.
    """
    changed = changed_values(values, seen)
    if changed.keys() & set(CONSENT):
        changed |= {name: values[name] for name in CONSENT if name in values}
    if not changed:
        return {}
    person = _lock(msisdn)
    present = values_of(person)
    if conflicts := find_conflicts(changed, seen, present):
        transaction.set_rollback(True)  # a new row is not kept
        return conflicts
    new = {name: value for name, value in changed.items() if value != present[name]}
    if new:
        _write(person, present | new, actor)
        record(actor, person, "edited", _describe(present, new))
    if new.keys() & set(CONSENT):
        history.append(person, actor)
    if "consent" in new and person.consent == Consent.WITHDRAWN:
        _stop(person, actor)
    return {}


def _lock(msisdn: str) -> Person:
    """Lock the row of a person, which is made if there is none."""
    person = Person(msisdn=msisdn)
    Person.objects.bulk_create(
        [person],
        update_conflicts=True,
        unique_fields=["msisdn", "brand"],
        update_fields=["msisdn"],
    )
    return Person.objects.get(msisdn=msisdn, brand=person.brand_id)


def _write(person: Person, values: Mapping[str, str], actor: User | None) -> None:
    day = values["consent_on"]
    columns: dict[str, Any] = {
        "consent": values["consent"],
        "consent_on": date.fromisoformat(day) if day else None,
        "consent_source": values["consent_source"],
        "consent_wording": wordings.store(values["consent_wording"], person),
        "language": values["language"],
        "notes": values["notes"],
        "version": person.version + 1,
        "updated_by": actor,
    }
    for name, value in columns.items():
        setattr(person, name, value)
    person.save()
    topics = dict.fromkeys(read_topics(values[UNWANTED]), False)
    topics |= dict.fromkeys(read_topics(values[WANTED]), True)
    person.topics.all().delete()
    TopicPreference.objects.bulk_create(
        TopicPreference(person=person, topic=topic, wanted=wanted)
        for topic, wanted in topics.items()
    )


def _describe(present: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What changed, for the trail: names alone, but for consent and its date."""
    names = [name for name in VALUES if name in new and name not in CONSENT]
    if not new.keys() & set(CONSENT):
        return ", ".join(names)
    before, after = (
        " ".join(filter(None, (values["consent"], values["consent_on"])))
        for values in (present, {**present, **new})
    )
    return ", ".join([f"consent {before} → {after}", *names])


def _stop(person: Person, actor: User | None) -> None:
    """Add the phone to the stop list. Its entry stays locked, so that nobody removes it who has not
    seen this change.
    """
    entries = StopListEntry.objects.select_for_update().filter(msisdn=person.msisdn)
    if not entries.first():
        stop_list.add_phones([person.msisdn], _("Consent withdrawn"), actor)
        record(actor, entries.get(), "stopped")


def erase(msisdn: str) -> None:
    """Delete the rows of a person with their histories, in the caller's transaction. Locks them
    first, as `change`.
    """
    for person in Person.objects.select_for_update().filter(msisdn=msisdn).order_by("pk"):
        person.delete()
