"""Which gateway account BSG_API_URL and BSG_API_KEY belong to.

What was sent with an account exists only there. With another one every message would be "not
found", and be sent again. So each campaign belongs to an account, and waits while another is in
use. A key that is not known yet may be a new one of the same account or belong to another: until
an administrator says which, nothing is sent or asked. The very first account is recorded without
asking.

No key is stored, only a fingerprint of address and key.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from campaigns.gateway.environment import Environment, environment, key_fingerprint
from campaigns.ledger.sums import of_account
from campaigns.team import audit
from campaigns.team.models import AccountKey, GatewayAccount, User

logger = logging.getLogger(__name__)
CACHED_FOR = 15.0  # seconds, for pages


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts that the database knows, oldest first, and the one that this process uses."""

    known: tuple[GatewayAccount, ...] = ()
    current: GatewayAccount | None = None

    @property
    def is_new_key(self) -> bool:
        """Whether an administrator has to say whose key this is."""
        return bool(self.known) and self.current is None

    @property
    def is_only_one(self) -> bool:
        """Whether everything belongs to the current account."""
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
        is not known whose key is in use.
        """
        return self.current or (self.known[-1] if self.known else None)

    def is_shown(self, field: str = "account") -> Q:
        """The condition on rows that name their account in `field`; None is the first account."""
        if len(self.known) < 2:
            return Q()
        own = Q(**{field: self.shown})
        return own | Q(**{f"{field}__isnull": True}) if self.shown == self.known[0] else own

    def money(self) -> Q:
        """The condition on entries and totals of the ledger."""
        if len(self.known) < 2 or self.shown is None:
            return Q()
        return of_account(self.shown.pk, is_first=self.shown == self.known[0])

    @property
    def id_in_ledger(self) -> int | None:
        """How entries without a campaign name the account in use; None is the first account."""
        return None if self.shown is None or self.shown == self.known[0] else self.shown.pk

    def same_environment(self) -> list[GatewayAccount]:
        """The accounts that a new key may belong to."""
        return [one for one in self.known if one.environment == environment()]


@dataclass
class _Cached:
    accounts: Accounts = Accounts()
    until: float = 0.0


_cached = _Cached()


def load() -> Accounts:
    """The accounts as they are now, by one query. Records the first account, if there is none."""
    accounts = _load()
    if not accounts.known:
        _record(lambda: None if GatewayAccount.objects.exists() else _create())
        accounts = _load()
    if accounts.is_new_key:
        _warn(key_fingerprint())
    return accounts


def cached() -> Accounts:
    """The accounts for pages: up to CACHED_FOR seconds old. Records nothing."""
    if time.monotonic() > _cached.until:
        cache_state(_load())
    return _cached.accounts


def cache_state(accounts: Accounts) -> None:
    """Remember `accounts` in this process, for CACHED_FOR seconds."""
    _cached.accounts, _cached.until = accounts, time.monotonic() + CACHED_FOR


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


def _load() -> Accounts:
    own_key = AccountKey.objects.filter(account=OuterRef("pk"), fingerprint=key_fingerprint())
    known = tuple(GatewayAccount.objects.annotate(is_current=Exists(own_key)).order_by("pk"))
    return Accounts(known, next((one for one in known if one.is_current), None))


def _record(decide: Callable[[], GatewayAccount | None]) -> GatewayAccount:
    """Let `decide` say whose key this is, unless another process has by now."""
    with transaction.atomic():
        _let_others_wait()
        known = AccountKey.objects.filter(fingerprint=key_fingerprint()).select_related("account")
        account = key.account if (key := known.first()) else decide()
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
    account.base_url = settings.BSG_API_URL[:300]
    account.save(update_fields=["base_url"])
    return account


def _default_name(kind: Environment) -> str:
    number = GatewayAccount.objects.filter(environment=kind).count() + 1
    if kind is Environment.LIVE:
        return _("BSG account %(number)d") % {"number": number}
    return f"{kind.label} {number}" if number > 1 else str(kind.label)


@lru_cache(maxsize=4)
def _warn(_fingerprint: str) -> None:
    """Once a process, for each key."""
    logger.warning(
        "BSG_API_URL or BSG_API_KEY is new: nothing is sent or asked until an administrator says"
        " whose key it is, on any page or with `manage.py confirm_account`"
    )
