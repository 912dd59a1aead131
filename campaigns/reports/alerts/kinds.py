"""The table of alerts. docs/observability.md has the same, as tests/reports/alerts keep it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from campaigns.reports.alerts import money, storage, texts, work
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.alerts.texts import Detail
from campaigns.shared.money import exact
from campaigns.team.alerts import records
from campaigns.team.permissions import Permission

LazyText = Any  # a text, translated when it is shown
Sentence = Callable[[Detail], str]


class Severity(IntEnum):
    """CRITICAL: messages are not sent, or money or data may be lost. WARNING: it will get so."""

    WARNING = 1
    CRITICAL = 2

    @property
    def label(self) -> str:
        return _("Critical") if self is Severity.CRITICAL else _("Warning")

    @property
    def colour(self) -> str:
        return "red" if self is Severity.CRITICAL else "yellow"


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One thing that is watched.

    `detect` says what is wrong now. `sentence`, `what_to_do` and `over` make texts of an alert's
    data; `page` is the name of the page where something can be done, and `page_of` what in the data
    is the id in its address. `is_damped`: it may come and
    go, so it starts and ends only after ALERT_AFTER_MINUTES. `of_machine`: each machine sees its
    own alone. `of_account`: `detect` is called with the key of each gateway account in use.
    `permission`: what users of a brand need to do something about its alerts. `threshold`: as it
    is set, for Settings.
    """

    name: str
    severity: Severity
    label: LazyText
    detect: Callable[[datetime], Sequence[Finding]]
    sentence: Sentence
    what_to_do: Sentence
    over: Sentence
    page: str = "installation-status"
    page_of: str = ""
    is_damped: bool = True
    of_machine: bool = False
    of_account: bool = False
    permission: Permission = Permission.SEND
    threshold: Callable[[], str] = str

    @property
    def after(self) -> timedelta:
        """For so long it has to hold before it is told, and to be gone before it is over."""
        return timedelta(minutes=settings.ALERT_AFTER_MINUTES if self.is_damped else 0)

    def url(self, detail: Detail) -> str:
        """The path of the page where something can be done."""
        if not self.page_of:
            return reverse(self.page)
        return reverse(self.page, args=[max(texts.whole_number(detail, self.page_of), 0)])


def _says(text: LazyText) -> Sentence:
    return lambda _detail: str(text)


def _amounts(amounts: dict[str, Any]) -> str:
    return ", ".join(f"{exact(amount)} {name}" for name, amount in sorted(amounts.items()))


def _balance_threshold() -> str:
    return _amounts(settings.BALANCE_ALERT) or _("off: BALANCE_ALERT is not set")


def _drift_threshold() -> str:
    usual = _("%(amount)s of any other currency") % {"amount": exact(money.TOLERANCE)}
    return ", ".join(filter(None, [_amounts(settings.DRIFT_ALERT), usual]))


def _backup_threshold() -> str:
    hours = storage.backup_hours(records.last_backups().succeeded_at is not None)
    return _("%(n)d hours") % {"n": hours} if hours else _("off: no backup is known")


def _disk_threshold() -> str:
    limit = settings.DISK_ALERT_PERCENT
    return _("%(n)d%% free") % {"n": limit} if limit else _("off")


_RUN_WORKER = lazy("Check that manage.py worker runs, and its log.")
KINDS = (
    AlertKind(
        "campaign_paused",
        Severity.CRITICAL,
        lazy("Campaign paused by ViberDash"),
        work.paused_campaigns,
        texts.campaign_paused,
        texts.campaign_next_step,
        texts.campaign_continues,
        page="campaign-detail",
        page_of="campaign",
        is_damped=False,
    ),
    AlertKind(
        "queue",
        Severity.CRITICAL,
        lazy("No queue works"),
        work.standing_queue,
        texts.queue_stands,
        _says(_RUN_WORKER),
        _says(lazy("The queue works again.")),
    ),
    AlertKind(
        "queue_machine",
        Severity.WARNING,
        lazy("The queue of a machine stands"),
        work.standing_machines,
        texts.machine_stands,
        _says(_RUN_WORKER),
        texts.machine_works,
    ),
    AlertKind(
        "sweep",
        Severity.WARNING,
        lazy("The sweep stands"),
        work.standing_sweep,
        texts.sweep_stands,
        _says(lazy("Check that manage.py sweep --every 15 runs, and its log.")),
        _says(lazy("The sweep runs again.")),
    ),
    AlertKind(
        "gateway",
        Severity.CRITICAL,
        lazy("The gateway does not answer"),
        work.silent_gateway,
        texts.of_its_brand(texts.gateway_silent),
        _says(
            lazy("Check the connection in Settings. Sending continues by itself when it answers.")
        ),
        texts.of_its_brand(_says(lazy("The gateway answers, or nothing is to be sent any more."))),
        page="settings",
        of_account=True,
    ),
    AlertKind(
        "new_key",
        Severity.CRITICAL,
        lazy("The API key is not known"),
        work.unknown_key,
        texts.of_its_brand(
            _says(
                lazy("The gateway's address or API key has changed, so nothing is sent or asked.")
            )
        ),
        _says(lazy("Say on any page whose key it is.")),
        texts.of_its_brand(_says(lazy("It is known whose key is in use."))),
        page="settings",
        of_account=True,
    ),
    AlertKind(
        "safe_mode",
        Severity.CRITICAL,
        lazy("Safe mode"),
        work.safe_mode,
        texts.restored,
        _says(lazy("Look at the campaigns under way, then press Resume sending on any page.")),
        _says(lazy("An administrator has confirmed the restore: sending resumes.")),
        page="campaign-list",
        is_damped=False,
    ),
    AlertKind(
        "balance",
        Severity.WARNING,
        lazy("The balance is low"),
        money.low_balance,
        texts.of_its_brand(texts.balance_low),
        _says(lazy("Top up the account at BSG, or campaigns will be paused.")),
        texts.of_its_brand(texts.balance_enough),
        page="spend",
        of_account=True,
        is_damped=False,
        threshold=_balance_threshold,
    ),
    AlertKind(
        "drift",
        Severity.WARNING,
        lazy("The ledger does not explain the balance"),
        money.drift,
        texts.of_its_brand(texts.drift),
        _says(
            lazy(
                "Look for a fee or for another system on the account, then record a fee or a"
                " correction."
            )
        ),
        texts.of_its_brand(texts.drift_over),
        page="spend-reconciliation",
        of_account=True,
        is_damped=False,
        threshold=_drift_threshold,
    ),
    AlertKind(
        "backup_failed",
        Severity.CRITICAL,
        lazy("The last backup failed"),
        storage.failed_backup,
        texts.backup_failed,
        _says(lazy("Put right what the message says, and run manage.py backup.")),
        _says(lazy("A backup was completed.")),
        is_damped=False,
    ),
    AlertKind(
        "backup_overdue",
        Severity.WARNING,
        lazy("A backup is overdue"),
        storage.overdue_backup,
        texts.backup_overdue,
        _says(lazy("Check the timer of manage.py backup, and its log.")),
        _says(lazy("A backup was completed.")),
        is_damped=False,
        threshold=_backup_threshold,
    ),
    AlertKind(
        "disk",
        Severity.CRITICAL,
        lazy("A disk is nearly full"),
        storage.full_disks,
        texts.disk_full,
        _says(lazy("Delete what is not needed, or give it room, before nothing can be written.")),
        texts.disk_has_room,
        of_machine=True,
        threshold=_disk_threshold,
    ),
    AlertKind(
        "mail",
        Severity.WARNING,
        lazy("E-mails are not delivered"),
        work.undelivered_mail,
        _says(lazy("The mail server does not take e-mails; they are tried again for a day.")),
        _says(lazy("Check EMAIL_URL and the mail server; the page shows what it answers.")),
        _says(lazy("The mail server takes e-mails again, or none is waiting any more.")),
        page="undelivered-mail",
    ),
    AlertKind(
        "alert_webhook",
        Severity.WARNING,
        lazy("Alerts are not delivered to the webhook"),
        work.undelivered_posts,
        _says(lazy("ALERT_WEBHOOK_URL does not take alerts; they are tried again for 8 hours.")),
        _says(lazy("Check the address; the page shows what its server answers.")),
        _says(lazy("ALERT_WEBHOOK_URL takes alerts again.")),
        page="alerts",
        is_damped=False,
    ),
    AlertKind(
        "webhook",
        Severity.WARNING,
        lazy("A webhook fails"),
        work.failing_webhooks,
        texts.webhook_fails,
        _says(lazy("Its page shows what the other system answers. Events are kept meanwhile.")),
        texts.webhook_works,
        page="webhook",
        page_of="webhook",
        is_damped=False,
        permission=Permission.OPERATE,
    ),
    AlertKind(
        "audit_trail",
        Severity.CRITICAL,
        lazy("The audit trail is damaged"),
        work.damaged_trail,
        texts.trail_damaged,
        _says(lazy("Run manage.py verify_audit, and compare with the copies of docs/security.md.")),
        _says(lazy("The audit trail was verified without a fault.")),
        page="audit-trail",
        is_damped=False,
    ),
)
_BY_NAME = {kind.name: kind for kind in KINDS}
_OF_ANOTHER_VERSION = AlertKind(
    "",
    Severity.WARNING,
    lazy("Alert of another version"),
    lambda _now: (),
    _says(lazy("An alert of another version of ViberDash.")),
    _says(lazy("Update all machines to the same version.")),
    _says(lazy("An alert of another version of ViberDash is over.")),
)


def kind_of(name: str) -> AlertKind:
    """The kind called `name`; one that says so, if this version does not know it."""
    return _BY_NAME.get(name, _OF_ANOTHER_VERSION)
