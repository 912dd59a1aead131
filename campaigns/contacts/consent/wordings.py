"""The texts that persons agreed to: each is stored once in a brand, and never changed."""

from collections.abc import Iterable
from hashlib import sha256

from campaigns.contacts.models import ConsentWording
from campaigns.shared.brands.models import Branded

WORDING_MAX = 5_000  # characters
OFFERED = 50  # of the newest wordings
NAMED_BY = 100  # characters, in a choice
NOT_STORED = 0


def clean(text: str) -> str:
    """A wording as it is stored: with the line breaks of Unix, without blanks around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def store(text: str, owner: Branded) -> ConsentWording | None:
    """The wording with this text in the brand of `owner`, which is stored if it is new; None for an
    empty one.
    """
    if not (text := clean(text)):
        return None
    wordings = ConsentWording.objects.filter(brand=owner.brand_id)
    fingerprint = _fingerprint(text)
    found = wordings.filter(fingerprint=fingerprint).first()
    if found is None:
        new = ConsentWording(brand_id=owner.brand_id, text=text, fingerprint=fingerprint)
        ConsentWording.objects.bulk_create([new], ignore_conflicts=True)
        found = wordings.get(fingerprint=fingerprint)
    return found


def store_all(texts: Iterable[str], owner: Branded) -> dict[str, int | None]:
    """The ids of wordings by their texts, as `store` finds them; None for an empty one."""
    stored = {text: store(text, owner) for text in dict.fromkeys(texts)}
    return {text: wording.pk if wording else None for text, wording in stored.items()}


def find_all(texts: Iterable[str], owner: Branded) -> dict[str, int | None]:
    """As `store_all`, without storing any: the id is NOT_STORED then."""
    fingerprints = {text: _fingerprint(clean(text)) for text in dict.fromkeys(texts)}
    wordings = ConsentWording.objects.filter(
        brand=owner.brand_id, fingerprint__in=fingerprints.values()
    )
    found: dict[str, int] = dict(wordings.values_list("fingerprint", "pk"))
    return {
        text: found.get(fingerprint, NOT_STORED) if clean(text) else None
        for text, fingerprint in fingerprints.items()
    }


def choices() -> list[tuple[str, str]]:
    """Ids and beginnings of the newest wordings of the brand, for a choice."""
    rows = ConsentWording.objects.order_by("-pk")[:OFFERED]
    return [(str(row.pk), _beginning(row.text)) for row in rows]


def text_of(wording_id: str) -> str:
    """The text of a wording of the brand, by an id that `choices` returned."""
    return ConsentWording.objects.get(pk=wording_id).text


def _fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= NAMED_BY else f"{line[: NAMED_BY - 1]}…"
