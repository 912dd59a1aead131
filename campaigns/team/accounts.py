"""Which gateway account the address and key in use belong to: those of the environment, or of the
brand that is acted for (brand_keys/).

What was sent with an account exists only there. With another one every message would be "not
found", and be sent again. So each campaign belongs to an account, and waits while another is in
use. A key that is not known yet may be a new one of the same account or belong to another: until
an administrator says which, nothing is sent or asked. The very first account is recorded without
asking.

Of a key there is no more here than a fingerprint of it and its address.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from campaigns.gateway.environment import (
    Environment,
    environment,
    fingerprint_of,
    key_fingerprint,
)
from campaigns.gateway.key_in_use import GatewayKey, environment_key, key_in_use, using
from campaigns.ledger.sums import of_account
from campaigns.team import audit
from campaigns.team.models import AccountKey, GatewayAccount, User

logger = logging.getLogger(__name__)
CACHED_FOR = 15.0  # seconds, for pages
KEYS_CACHED = 200  # that many have been in use at once; more are forgotten together
NOTHING = Q(pk__in=())  # a condition that no row meets


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts that the database knows, oldest first, and the one whose key is in use.

    `problem`: why that key can't be used at all, for users; "" if it can.
    """

    known: tuple[GatewayAccount, ...] = ()
    current: GatewayAccount | None = None
    problem: str = ""
    is_of_brand: bool = False  # the key in use is a brand's own

    @property
    def is_new_key(self) -> bool:
        """Whether an administrator has to say whose key this is."""
        return bool(self.known) and self.current is None and not self.problem

    @property
    def is_only_one(self) -> bool:
        """Whether everything belongs to the current account, as there is no other."""
        return len(self.known) == 1 and self.current is not None

    @property
    def is_first(self) -> bool:
        """Whether the current account owns what is from before there were accounts."""
        return self.current is not None and self.current == self.known[0]

    def owner(self, account_id: int | None) -> GatewayAccount | None:
        """The account with this id; of what has none, the first."""
        return next((one for one in self.known if account_id in (None, one.pk)), None)

    @property
    def shown(self) -> GatewayAccount | None:
        """Whose money pages show: that of the account in use, or of the last one recorded while it
        is not known whose key is in use. While that is the key of a brand, nobody's.
        """
        if self.current or self.is_of_brand:
            return self.current
        return self.known[-1] if self.known else None

    @property
    def shows_all(self) -> bool:
        """Whether all money is that of the account that is shown, as there is no other."""
        return len(self.known) < 2 and not (self.is_of_brand and self.current is None)

    def is_shown(self, field: str = "account") -> Q:
        """The condition on rows that name their account in `field`; None is the first account."""
        if self.shows_all:
            return Q()
        if self.shown is None:
            return NOTHING
        own = Q(**{field: self.shown})
        return own | Q(**{f"{field}__isnull": True}) if self.shown == self.known[0] else own

    def money(self) -> Q:
        """The condition on entries and totals of the ledger."""
        if self.shows_all:
            return Q()
        if self.shown is None:
            return NOTHING
        return of_account(self.shown.pk, is_first=self.shown == self.known[0])

    @property
    def id_in_ledger(self) -> int | None:
        """How entries without a campaign name the account in use; None is the first account."""
        return None if self.shown is None or self.shown == self.known[0] else self.shown.pk

    def own_name(self, name: str) -> str:
        """`name` for what there is once for each account: the first one's has no number, as from
        before there were others.
        """
        return f"{name}:{self.current.pk}" if self.current and not self.is_first else name

    def same_environment(self) -> list[GatewayAccount]:
        """The accounts that a new key may belong to."""
        return [one for one in self.known if one.environment == environment()]


# by the fingerprint of the key in use: the accounts, and until when they are good enough
_cached: dict[str, tuple[Accounts, float]] = {}


def load() -> Accounts:
    """The accounts as they are now, by one query. Records the first account, if there is none: it
    is that of the environment's key, never that of a brand's.
    """
    accounts = _load()
    if not accounts.known:
        with using(environment_key()):
            _record(lambda: None if GatewayAccount.objects.exists() else _create())
        accounts = _load()
    if accounts.is_new_key:
        _warn(key_fingerprint())
    return accounts


def cached() -> Accounts:
    """The accounts for pages: up to CACHED_FOR seconds old. Records nothing."""
    accounts, until = _cached.get(key_fingerprint(), (Accounts(), 0.0))
    if time.monotonic() > until:
        accounts = _load()
        cache_state(accounts)
    return accounts


def cache_state(accounts: Accounts) -> None:
    """Remember `accounts` in this process for CACHED_FOR seconds, while the same key is in use."""
    if len(_cached) >= KEYS_CACHED:
        _cached.clear()
    _cached[key_fingerprint()] = (accounts, time.monotonic() + CACHED_FOR)


def forget() -> None:
    """Remember nothing: the accounts of all keys are looked up again."""
    _cached.clear()


def confirm_same(actor: User | None, account_id: int) -> GatewayAccount:
    """The new key is one of an account that is known. Returns whose key it is.

    Raises GatewayAccount.DoesNotExist if there is no such account in this environment. Of two
    administrators who choose at once, the first decides.
    """
    account = GatewayAccount.objects.get(pk=account_id, environment=environment())
    return _record(lambda: _decided(actor, _add_key(account)))


def confirm_another(actor: User | None, name: str = "") -> GatewayAccount:
    """The new key belongs to another account, called `name`. Returns whose key it is, as above."""
    return _record(lambda: _decided(actor, _create(name)))


def accounts_of(keys: Iterable[GatewayKey]) -> set[int]:
    """The ids of the accounts that `keys` belong to, as far as it is known. One query."""
    fingerprints = [fingerprint_of(key) for key in keys if not key.problem]
    owners = AccountKey.objects.filter(fingerprint__in=fingerprints)
    return set(owners.values_list("account", flat=True))


def _load() -> Accounts:
    own_key = AccountKey.objects.filter(account=OuterRef("pk"), fingerprint=key_fingerprint())
    known = tuple(GatewayAccount.objects.annotate(is_current=Exists(own_key)).order_by("pk"))
    current = next((one for one in known if one.is_current), None)
    key = key_in_use()
    return Accounts(known, current, key.problem, is_of_brand=key.is_of_brand)


def _record(decide: Callable[[], GatewayAccount | None]) -> GatewayAccount:
    """Let `decide` say whose key this is, unless another process has by now."""
    with transaction.atomic():
        _let_others_wait()
        known = AccountKey.objects.filter(fingerprint=key_fingerprint()).select_related("account")
        account = key.account if (key := known.first()) else decide()
    forget()
    cache_state(_load())
    return account  # type: ignore[return-value]


def _let_others_wait() -> None:
    """No other process records an account until the transaction ends. On SQLite none writes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"LOCK TABLE {GatewayAccount._meta.db_table} IN SHARE ROW EXCLUSIVE MODE"
            )


def _decided(actor: User | None, account: GatewayAccount) -> GatewayAccount:
    audit.record(actor, account, "key added", account.base_url)
    return account


def _create(name: str = "") -> GatewayAccount:
    account = GatewayAccount.objects.create(
        name=name.strip()[:60] or _default_name(environment()), environment=environment()
    )
    return _add_key(account)


def _add_key(account: GatewayAccount) -> GatewayAccount:
    AccountKey.objects.create(account=account, fingerprint=key_fingerprint())
    account.base_url = key_in_use().address[:300]
    account.save(update_fields=["base_url"])
    return account


def _default_name(kind: Environment) -> str:
    number = GatewayAccount.objects.filter(environment=kind).count() + 1
    if kind is Environment.LIVE:
        return _("BSG account %(number)d") % {"number": number}
    return f"{kind.label} {number}" if number > 1 else str(kind.label)


@lru_cache(maxsize=64)
def _warn(_fingerprint: str) -> None:
    """Once a process, for each key."""
    logger.warning(
        "The gateway's address or key is new: nothing is sent or asked with it until an"
        " administrator says whose key it is, on any page or with `manage.py confirm_account`"
    )
