"""`<person:msisdn>` in an address: views and links have the phone, the address its opaque id."""

from django.urls import register_converter

from campaigns.contacts.people import person_ids


class PersonConverter:
    """Reads and writes the id of a phone; an address with any other id is not found."""

    regex = person_ids.ID.pattern

    def to_python(self, value: str) -> str:
        """The phone. Raises ValueError, which Django answers with 404."""
        return person_ids.msisdn_of(value)

    def to_url(self, value: str) -> str:
        """The id. Raises ValueError where `value` is no phone: that has no address."""
        return person_ids.id_of(value)


register_converter(PersonConverter, "person")
