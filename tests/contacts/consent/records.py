"""What every test of consent asks: does the history say what the person says?"""

from campaigns.contacts.models import Consent, ConsentRecord, Person


def differing() -> list[str]:
    """The phones of persons whose newest record is not as their row, or who have a consent and no
    record.
    """
    return [row.msisdn for row in Person.objects.order_by("pk") if not _agrees(row)]


def _agrees(row: Person) -> bool:
    newest = ConsentRecord.objects.filter(person=row).order_by("-pk").first()
    if newest is None:
        return row.consent == Consent.UNKNOWN
    of_person = (row.consent, row.consent_on, row.consent_source, row.consent_wording_id)
    return of_person == (newest.consent, newest.day, newest.source, newest.wording_id)
