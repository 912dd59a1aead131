"""The names of contacts beside their phones: from the merge tags that imports give such columns."""

from collections.abc import Collection, Mapping

from campaigns.contacts.models import Contact

WHOLE_NAMES = ("full_name", "name")


def names_of(msisdns: Collection[str]) -> dict[str, str]:
    """The names of those of `msisdns` that have one, by phone; of several lists, that of the list
    made first. One query.
    """
    names: dict[str, str] = {}
    contacts = Contact.objects.filter(msisdn__in=msisdns).order_by("list_id")
    for msisdn, fields in contacts.values_list("msisdn", "fields"):
        if name := _name(fields):
            names.setdefault(msisdn, name)
    return names


def _name(fields: Mapping[str, object]) -> str:
    parts = [str(fields.get(tag) or "") for tag in ("first_name", "last_name")]
    whole = (str(fields.get(tag) or "") for tag in WHOLE_NAMES)
    return " ".join(filter(None, parts)) or next(filter(None, whole), "")
