"""With which address and key the running code talks to the gateway.

It is the key of the environment, unless code runs within `using`: a task does so with the key that
it sends or asks with, a page with that of its brand (team/brand_keys/). Like the brand that is
acted for, it is a context variable: a parameter that each function passed on could be forgotten
once, and a message would go to another account. It is chosen once for a task or a page, and does
not change within it, whatever is stored meanwhile.

Threads do not inherit it. What they need, such as a client, they are given.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q

SHORTEST_SECRET = 8  # characters; removing a shorter one would remove words
BLANK = "[key]"


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """An address with a key, and the brands that send with it.

    - `owner`: the id of the first brand whose own key it is; 0: it is that of the environment.
    - `brands`: the ids of the brands whose own key it is; of the environment's, of none.
    - `others`: of the environment's key, the ids of the brands that have a key of their own.
    - `problem`: why it can't be used, for users; "" if it can. Then `secret` is "".
    """

    address: str
    secret: str = field(repr=False)
    owner: int = 0
    brands: frozenset[int] = frozenset()
    others: frozenset[int] = frozenset()
    problem: str = ""

    @property
    def is_of_brand(self) -> bool:
        """Whether brands have it as their own, rather than all of the environment."""
        return bool(self.owner)

    @property
    def is_only_one(self) -> bool:
        """Whether there is no other key than this one, as no brand has one of its own."""
        return not self.owner and not self.others

    def serves(self, brand_id: int | None) -> bool:
        """Whether the brand sends with this key."""
        return brand_id in self.brands if self.owner else brand_id not in self.others

    def of_its_brands(self, field_name: str = "brand") -> Q:
        """The condition on rows, which name their brand in `field_name`, of brands that it serves;
        none, if it serves all.
        """
        if self.owner:
            return Q(**{f"{field_name}__in": sorted(self.brands)})
        return ~Q(**{f"{field_name}__in": sorted(self.others)}) if self.others else Q()


_key: ContextVar[GatewayKey | None] = ContextVar("gateway key", default=None)
_known: set[str] = set()  # secrets that this process has seen, to be blanked


def key_in_use() -> GatewayKey:
    """The key that the running code uses; where none was chosen, that of the environment."""
    return _key.get() or environment_key()


def chosen_key() -> GatewayKey | None:
    """The key that was chosen for the running task or page; None: none was."""
    return _key.get()


def environment_key(others: frozenset[int] = frozenset()) -> GatewayKey:
    """The key of BSG_API_URL and BSG_API_KEY; `others`: the brands that have one of their own."""
    return GatewayKey(settings.BSG_API_URL, settings.BSG_API_KEY, others=others)


@contextmanager
def using(key: GatewayKey) -> Iterator[GatewayKey]:
    """Within it, everything that talks to the gateway uses `key`, and pages show its account."""
    remember(key.secret)
    before = _key.set(key)
    try:
        yield key
    finally:
        _key.reset(before)


def remember(secret: str) -> None:
    """From now on this process blanks `secret` in logs and in what it keeps of answers."""
    if len(secret) >= SHORTEST_SECRET:
        _known.add(secret)


def known_secrets() -> list[str]:
    """The keys of brands that this process has used, the longest first: one may begin another."""
    return sorted(_known, key=len, reverse=True)


def without_keys(text: str, blank: str = BLANK) -> str:
    """`text` without the keys of the environment and of brands, as far as they are known here."""
    for secret in filter(None, [settings.BSG_API_KEY, key_in_use().secret, *known_secrets()]):
        text = text.replace(secret, blank)
    return text
