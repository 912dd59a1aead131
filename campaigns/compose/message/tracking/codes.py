"""The codes of short links: 11 characters that only this installation can make and read.

A code is a block of 64 bits, encrypted: the first 15 hex digits of the recipient's reference and
the number of the link. So each code is computed where it is needed, the same one each time, and is
read without a table: the digits find the recipient by the index of references. Who has no key
guesses: of 2^64 codes, one is right for each link that was sent.

The cipher is a Feistel network of ten rounds, as NIST SP 800-38G builds one for small blocks (FF1),
here with keyed BLAKE2b as the round's function.
"""

import hashlib
from functools import cache

from campaigns.compose.models.links import LinkKey

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # base 58: no 0, O, I, l
CODE_LENGTH = 11  # 58^11 is more than 2^64
REFERENCE_DIGITS = 15  # hex digits of a reference in a code
NUMBERS = 16  # links that codes of one recipient tell apart
ROUNDS = 10

_BLOCK = 1 << 64
_HALF = 32  # bits
_MASK, _BYTES = (1 << _HALF) - 1, _HALF // 8
_VALUES = {sign: value for value, sign in enumerate(ALPHABET)}


class LinkCodes:
    """Makes and reads the codes of one `key`."""

    __slots__ = ("_rounds",)

    def __init__(self, key: bytes) -> None:
        # hashed up to where the block comes, once
        self._rounds = [
            hashlib.blake2b(key=key, digest_size=_BYTES, person=bytes([number]))
            for number in range(ROUNDS)
        ]

    @classmethod
    def of_clicks(cls, key: bytes) -> "LinkCodes":
        """Those that stand for the same in the parameter vd_click: with them nobody can open the
        recipient's links.
        """
        return cls(hashlib.blake2b(key=key, digest_size=len(key), person=b"vd_click").digest())

    def code(self, digits: str, number: int) -> str:
        """The code of link `number` for the recipient whose reference begins with `digits`."""
        block = self._encrypt(int(digits[:REFERENCE_DIGITS], 16) * NUMBERS + number)
        signs = []
        for _place in range(CODE_LENGTH):
            block, value = divmod(block, len(ALPHABET))
            signs.append(ALPHABET[value])
        return "".join(signs)

    def read(self, code: str) -> tuple[str, int] | None:
        """The first digits of the recipient's reference and the number of the link; None if `code`
        is no code.
        """
        if len(code) != CODE_LENGTH:
            return None
        block = 0
        for sign in reversed(code):
            value = _VALUES.get(sign)
            if value is None:
                return None
            block = block * len(ALPHABET) + value
        if block >= _BLOCK:
            return None
        reference, number = divmod(self._decrypt(block), NUMBERS)
        return f"{reference:0{REFERENCE_DIGITS}x}", number

    def _encrypt(self, block: int) -> int:
        left, right = block >> _HALF, block & _MASK
        for hashed in self._rounds:
            state = hashed.copy()
            state.update(right.to_bytes(_BYTES, "big"))
            left, right = right, left ^ int.from_bytes(state.digest(), "big")
        return left << _HALF | right

    def _decrypt(self, block: int) -> int:
        left, right = block >> _HALF, block & _MASK
        for hashed in reversed(self._rounds):
            state = hashed.copy()
            state.update(left.to_bytes(_BYTES, "big"))
            left, right = right ^ int.from_bytes(state.digest(), "big"), left
        return left << _HALF | right


@cache
def _of_key(key: str) -> LinkCodes:
    return LinkCodes(bytes.fromhex(key))


def link_codes() -> LinkCodes:
    """The codes of this installation. The first call ever makes the key."""
    row, _is_new = LinkKey.objects.get_or_create(pk=LinkKey.ONLY)
    return _of_key(row.key)
