"""The lists that users choose from."""

from django.db.models import QuerySet

from campaigns.contacts.models import ContactList
from campaigns.ledger.models import Purpose


def choosable_lists() -> QuerySet[ContactList]:
    """Lists as users made them: without those that hold the phones of a test send."""
    return ContactList.objects.exclude(used_by__purpose=Purpose.TEST)
