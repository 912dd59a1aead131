"""Whether the statuses of an account are asked for by statistics files, and of which campaigns.

Nobody has seen the real service answer them, so they are off until they were seen to work
(file_trial), and a file that does not agree with single status calls switches them off.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.reachable import reachable
from campaigns.compose.models import Campaign
from campaigns.gateway.environment import key_fingerprint
from campaigns.ledger.models import Purpose
from campaigns.results.models import StatusFileUse, WhyOff
from campaigns.results.polling.poll_schedule import FIRST_CHECK
from campaigns.team import audit
from campaigns.team.models import GatewayAccount, User

logger = logging.getLogger(__name__)
CAMPAIGN_MIN = 1_000  # recipients of a campaign; smaller ones are followed by single calls
WAIT = timedelta(minutes=3)  # how long batches wait for a file before single calls ask for them


class SwitchRefused(Exception):  # noqa: N818
    """An administrator cannot switch files on; the text says why."""


def use_of(account: GatewayAccount) -> StatusFileUse:
    """How files are used for `account`; not stored if they were never tried."""
    stored = StatusFileUse.objects.filter(account=account).first()
    return stored or StatusFileUse(account=account)


def of_current_account() -> Q:
    """The condition on rows of the account in use; without a known one, on none."""
    return Q(account__keys__fingerprint=key_fingerprint())


def usable(now: datetime) -> StatusFileUse | None:
    """How files may be used now for the account in use; None: not at all. One query."""
    use = StatusFileUse.objects.filter(of_current_account(), is_on=True).first()
    return use if use and use.is_usable(now) else None


def followed_campaigns() -> QuerySet[Campaign]:
    """Those whose messages a file may follow: large enough, and without an SMS fallback."""
    large = Campaign.objects.filter(reachable(), sms_text="", snapshot__left__gte=CAMPAIGN_MIN)
    return large.exclude(purpose=Purpose.REHEARSAL)


def waiting(now: datetime) -> Q:
    """The condition on due batches that wait until there are enough for a file: single calls leave
    them alone. None do while no file may be asked for.
    """
    if not usable(now):
        return Q(pk__in=[])
    since = now - WAIT
    is_fresh = Q(check_at__gt=since) | Q(check_at=None, done_at__gt=since - FIRST_CHECK)
    return Q(campaign__in=followed_campaigns()) & is_fresh


def record_success(account: GatewayAccount, now: datetime, *, takes_windows: bool) -> StatusFileUse:
    """Files were seen to work: switch them on, unless they were switched off before.

    After that only an administrator switches them on again.
    """
    with transaction.atomic():
        use = _locked(account)
        use.tried_at = use.seen_at = now
        use.takes_windows = takes_windows
        if use.why_off in (WhyOff.NONE, WhyOff.TRIAL):
            use.is_on, use.why_off, use.detail = True, WhyOff.NONE, ""
        use.save()
    return use


def record_failure(account: GatewayAccount, now: datetime, detail: str) -> StatusFileUse:
    """Files were tried and did not work: `detail` says what happened."""
    return _switch_off(account, WhyOff.TRIAL, detail, now, is_trial=True)


def switch_off(account: GatewayAccount, why: WhyOff, detail: str) -> None:
    """Stop using files, since a file proved wrong; log it for the administrator."""
    logger.error(
        "Statistics files of %s are switched off: %s. Statuses are asked for one by one.",
        account,
        detail,
    )
    _switch_off(account, why, detail, timezone.now())


def pause(account: GatewayAccount, duration: timedelta, detail: str) -> None:
    """Use no files for a while."""
    until = timezone.now() + duration
    logger.warning("Statistics files of %s are not used until %s: %s", account, until, detail)
    StatusFileUse.objects.filter(account=account).update(paused_until=until)


def switch(account: GatewayAccount, actor: User, *, on: bool) -> None:
    """What an administrator decides. Raises SwitchRefused unless files were seen to work."""
    with transaction.atomic():
        use = _locked(account)
        if on and use.seen_at is None:
            raise SwitchRefused(
                _(
                    "They have to be seen to work first: check the gateway with a message to your"
                    " phone."
                )
            )
        if on == use.is_on:
            return
        use.is_on, use.detail, use.paused_until = on, "", None
        use.why_off = WhyOff.NONE if on else WhyOff.ADMINISTRATOR
        use.off_at = None if on else timezone.now()
        use.save()
        audit.record(actor, account, "statistics files on" if on else "statistics files off")


def _switch_off(
    account: GatewayAccount, why: WhyOff, detail: str, now: datetime, *, is_trial: bool = False
) -> StatusFileUse:
    with transaction.atomic():
        use = _locked(account)
        if is_trial:
            use.tried_at = now
        use.is_on, use.seen_at, use.paused_until = False, None, None
        use.why_off, use.detail, use.off_at = why, detail[:300], now
        use.save()
    return use


def _locked(account: GatewayAccount) -> StatusFileUse:
    StatusFileUse.objects.get_or_create(account=account)
    return StatusFileUse.objects.select_for_update().get(account=account)
