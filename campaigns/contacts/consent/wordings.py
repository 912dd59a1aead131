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
    wording_id = store_all([text], owner)[text]
    return None if wording_id is None else ConsentWording.objects.get(pk=wording_id)


def store_all(texts: Iterable[str], owner: Branded) -> dict[str, int | None]:
    """The ids of the wordings with these texts, those that are new stored; None for an empty one.
    Three statements at most.
    """
    ids = find_all(texts, owner)
    new = {clean(text) for text, wording_id in ids.items() if wording_id == NOT_STORED}
    if not new:
        return ids
    rows = [
        ConsentWording(brand_id=owner.brand_id, text=text, fingerprint=_fingerprint(text))
        for text in new
    ]
    rows.sort(key=lambda row: row.fingerprint)  # two imports lock them in the same order
    ConsentWording.objects.bulk_create(rows, ignore_conflicts=True)
    return find_all(ids, owner)


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
