"""Limits on trying passwords and codes and on asking for links, counted in the database over all
processes.

Each try is stored before the password is checked, so that many at once do not pass together, and
is deleted when the password was right. Further tries have to wait after

- ADDRESS_LIMIT wrong ones from one client, for one account or many,
- ACCOUNT_FREE wrong ones for one account in ACCOUNT_WINDOW: longer after each, to LONGEST_WAIT,
- TOTAL_LIMIT wrong ones over all.

Wrong tokens of the API are counted apart, for each client, and so are public sign-ups.

A device on which the account signed in before is counted by itself: others cannot keep its user
out. A refused try checks no password, and does not count.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from campaigns.shared import database_clock
from campaigns.shared.text import fold
from campaigns.team.models import SignInTry
from campaigns.team.sign_in.client import client_address, known_device, network

WINDOW = timedelta(minutes=15)
ADDRESS_LIMIT = 20
TOTAL_LIMIT = 500
ACCOUNT_FREE = 5
ACCOUNT_WINDOW = timedelta(hours=1)
LONGEST_WAIT = timedelta(minutes=5)
LINKS = 5  # for one e-mail address within WINDOW
TOKEN = "API token"  # noqa: S105 - the account of tries with a token, which names none
SIGN_UP = "sign-up"  # that of requests on public pages
APART = (TOKEN, SIGN_UP)


class MustWait(Exception):  # noqa: N818 - nothing failed
    """Too many wrong tries. `seconds` until the next one is allowed."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} seconds")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that is counted as wrong until it turns out right."""

    row: SignInTry

    def was_right(self) -> None:
        """Forget it, and the wrong ones for this account from this client or device."""
        same_client = Q(address=self.row.address) & Q(device="")
        if self.row.device:
            same_client |= Q(device=self.row.device)
        SignInTry.objects.filter(same_client, account=self.row.account).delete()


def account_key(name: str) -> str:
    """How tries name an account, which may not exist: a typed name may be a password."""
    return salted_hmac("sign-in try", fold(name.strip()), algorithm="sha256").hexdigest()[:32]


def begin(request: HttpRequest, name: str) -> Attempt:
    """Count a try to sign in as `name`. Raises MustWait."""
    return _begin(request, account_key(name), known_device(request, account_key(name)))


def begin_code(request: HttpRequest, name: str) -> Attempt:
    """Count a try of a code of `name`. Raises MustWait.

    Codes are counted apart from passwords: the right password must not forget wrong codes.
    """
    return _begin(request, account_key(f"code {name}"), known_device(request, account_key(name)))


def _begin(request: HttpRequest, account: str, device: str) -> Attempt:
    attempt = _store(client_address(request), account, device)
    with _not_counted_if_refused(attempt):
        if not attempt.device:
            unknown = _earlier(attempt, WINDOW).filter(device="")
            _require_room(unknown.filter(address=attempt.address), ADDRESS_LIMIT, attempt.at)
            _require_room(unknown, TOTAL_LIMIT, attempt.at)
        for_account = _earlier(attempt, ACCOUNT_WINDOW).filter(account=account)
        _require_wait(for_account.filter(device=attempt.device), attempt.at)
    return Attempt(attempt)


def begin_passkey(request: HttpRequest) -> Attempt:
    """Count a try to sign in with a passkey alone, which names no account. Raises MustWait."""
    attempt = _store(client_address(request), "", "")
    earlier = _earlier(attempt, WINDOW)
    with _not_counted_if_refused(attempt):
        _require_room(earlier.filter(address=attempt.address), ADDRESS_LIMIT, attempt.at)
        _require_room(earlier, TOTAL_LIMIT, attempt.at)
    return Attempt(attempt)


def begin_link(request: HttpRequest, email: str) -> None:
    """Count a request for a link to choose a password. Raises MustWait."""
    account = account_key(f"link {email}")
    attempt = _store(client_address(request), account, "")
    earlier = _earlier(attempt, WINDOW)
    with _not_counted_if_refused(attempt):
        _require_room(earlier.filter(address=attempt.address), ADDRESS_LIMIT, attempt.at)
        _require_room(earlier, TOTAL_LIMIT, attempt.at)
        _require_room(earlier.filter(account=account), LINKS, attempt.at)


def begin_token(request: HttpRequest) -> None:
    """Count a wrong token of the API. Raises MustWait.

    They are counted apart: a program with an old token must keep nobody from signing in.
    """
    attempt = _store(client_address(request), TOKEN, "")
    with _not_counted_if_refused(attempt):
        earlier = _earlier(attempt, WINDOW)
        _require_room(earlier.filter(address=attempt.address), ADDRESS_LIMIT, attempt.at)


def begin_sign_up(address: str) -> None:
    """Count a request of a client on a public sign-up page. Raises MustWait."""
    attempt = _store(address, SIGN_UP, "")
    with _not_counted_if_refused(attempt):
        earlier = _earlier(attempt, WINDOW)
        _require_room(earlier.filter(address=attempt.address), ADDRESS_LIMIT, attempt.at)


def prune(now: datetime) -> None:
    """Delete what no longer counts."""
    SignInTry.objects.filter(at__lt=now - ACCOUNT_WINDOW).delete()


def _store(address: str, account: str, device: str) -> SignInTry:
    return SignInTry.objects.create(
        at=database_clock.now(),
        address=network(address),
        account=account,
        device=device,
    )


def _earlier(attempt: SignInTry, window: timedelta) -> QuerySet[SignInTry]:
    """The other tries that count, of `window` before `attempt`."""
    tries = SignInTry.objects.filter(at__gt=attempt.at - window).exclude(pk=attempt.pk)
    if attempt.account in APART:
        return tries.filter(account=attempt.account)
    return tries.exclude(account__in=APART)


@contextmanager
def _not_counted_if_refused(attempt: SignInTry) -> Iterator[None]:
    try:
        yield
    except MustWait:
        attempt.delete()
        raise


def _require_room(tries: QuerySet[SignInTry], limit: int, now: datetime) -> None:
    """Raise MustWait until fewer than `limit` are left of `tries`, as they grow old."""
    newest = list(tries.order_by("-at").values_list("at", flat=True)[:limit])
    if len(newest) >= limit:
        raise MustWait(_seconds(newest[-1] + WINDOW - now))


def _require_wait(tries: QuerySet[SignInTry], now: datetime) -> None:
    """Raise MustWait if the last of `tries` was too recently for so many."""
    newest = list(tries.order_by("-at").values_list("at", flat=True)[: ACCOUNT_FREE + 10])
    if len(newest) < ACCOUNT_FREE:
        return
    wait = min(timedelta(seconds=2 ** (len(newest) - ACCOUNT_FREE + 1)), LONGEST_WAIT)
    if newest[0] + wait > now:
        raise MustWait(_seconds(newest[0] + wait - now))


def _seconds(wait: timedelta) -> int:
    return max(1, ceil(wait.total_seconds()))
