"""The history of a person's consent: one record for each change, which nobody changes later.

A change of the person's columns and its record are written in one transaction, so the newest record
always says what the person's row says. Imports do the same in bulk (importing/consent/).
"""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from campaigns.contacts.models import ConsentRecord, Person
from campaigns.team.audit import context
from campaigns.team.models import ActorKind, User


def append(person: Person, actor: User | None) -> None:
    """Record the consent of `person` as it is now, entered by `actor`, in the caller's transaction.
    A request of the API adds the token.
    """
    origin = context.current()
    ConsentRecord.objects.create(
        person=person,
        consent=person.consent,
        day=person.consent_on,
        source=person.consent_source,
        wording=person.consent_wording,
        recorded_at=timezone.now(),
        recorded_by=actor,
        token=origin.session if origin.kind == ActorKind.TOKEN else "",
    )


def records_of(person: Person) -> QuerySet[ConsentRecord]:
    """The records of a stored person, the newest first."""
    rows = ConsentRecord.objects.filter(person=person).order_by("-pk")
    return rows.select_related("wording", "recorded_by", "imported")


def record_data(record: ConsentRecord) -> dict[str, Any]:
    """A record for the person it is about."""
    return {
        "consent": record.consent,
        "date": record.day,
        "source": record.source,
        "wording": record.wording.text if record.wording else "",
        "recorded_at": record.recorded_at,
        "recorded_by": record.recorded_by.get_username() if record.recorded_by else None,
        "api_token": record.token,
        "file": record.imported.file_name if record.imported else None,
        "is_undo_of_import": record.is_undo,
    }
