"""The id that stands for a phone in addresses, from which nobody can tell the phone.

It is computed, so it needs no table: the phone, hidden by a keyed hash, after a keyed hash of it
(deterministic encryption, as SIV of RFC 5297 does it). Without SECRET_KEY nobody can make an id, or
read one, or try phones until one fits. The same phone always has the same id, until the key
changes; ids made with SECRET_KEY_FALLBACKS are still read.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

MSISDN = re.compile("[0-9]{5,15}", re.ASCII)
ID = re.compile("[A-Za-z0-9_-]{22}", re.ASCII)
HASH_BYTES, PHONE_BYTES = 9, 7  # 16 in all, 22 characters


def id_of(msisdn: str) -> str:
    """The id of a phone. Raises ValueError for anything but 5 to 15 digits."""
    return _id_with(settings.SECRET_KEY, msisdn)


def msisdn_of(person_id: str) -> str:
    """The phone with this id. Raises ValueError if it is none that `id_of` returned."""
    if not ID.fullmatch(person_id):
        raise ValueError("not an id of a person")
    whole = urlsafe_b64decode(f"{person_id}==")
    fingerprint, hidden = whole[:HASH_BYTES], whole[HASH_BYTES:]
    for key in _keys():
        number = int.from_bytes(_exclusive_or(hidden, _mask(key, fingerprint)), "big")
        msisdn = str(number)[1:]
        if MSISDN.fullmatch(msisdn) and constant_time_compare(_id_with(key, msisdn), person_id):
            return msisdn
    raise ValueError("not an id of a person")


def _keys() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def _id_with(key: str, msisdn: str) -> str:
    if not MSISDN.fullmatch(msisdn):
        raise ValueError("not a phone")
    number = int(f"1{msisdn}").to_bytes(PHONE_BYTES, "big")  # the 1 keeps zeros in front
    fingerprint = _hash(key, "fingerprint", number)[:HASH_BYTES]
    whole = fingerprint + _exclusive_or(number, _mask(key, fingerprint))
    return urlsafe_b64encode(whole).decode().rstrip("=")


def _mask(key: str, fingerprint: bytes) -> bytes:
    return _hash(key, "mask", fingerprint)[:PHONE_BYTES]


def _hash(key: str, use: str, value: bytes) -> bytes:
    salt = f"campaigns.contacts.people.person_ids.{use}"
    return salted_hmac(salt, value, secret=key, algorithm="sha256").digest()


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
