"""The state of the installation in words: what works, what does not, and what to do about it.

Everything is read anew for each page. What is not known is said to be not known.
"""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.models import ImportState
from campaigns.dispatch.models import BatchState, Heartbeat
from campaigns.dispatch.workers.health import QUEUE, STALLED_AFTER
from campaigns.gateway.balance import CachedBalance
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.reports.installation.figures import Figures
from campaigns.reports.installation.gateway_state import load_gateway_state
from campaigns.reports.installation.readiness import Check
from campaigns.shared.days import site_today
from campaigns.shared.durations import duration
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.templatetags.viberdash import moment, money, number
from viberdash import __version__
from viberdash.backups.folder import newest
from viberdash.installed import RUNNING, commit, installed

SWEEP_LATE_AFTER = timedelta(minutes=3)
REQUEST_LATE_AFTER = 900  # seconds
SHOWN_FOR = timedelta(days=1)  # a queue that was last seen before is that of a removed machine
BACKUP_OLD_AFTER = timedelta(days=2)
DISK_LOW = 0.1  # of it is free
WORKS, WARNING, FAILS, UNKNOWN = "green", "yellow", "red", "secondary"
WORDS: dict[str, str | Promise] = {
    WORKS: gettext_lazy("OK"),
    WARNING: gettext_lazy("Warning"),
    FAILS: gettext_lazy("Failed"),
    UNKNOWN: gettext_lazy("Not known"),
}
QUEUE_HELP = gettext_lazy("Check that manage.py worker runs, and its log.")


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What it is about, how it is (WORKS, …), and that in words. `url`: where to see more."""

    label: str
    colour: str
    text: str
    url: str = ""

    @property
    def word(self) -> str:
        return str(WORDS[self.colour])


def process_rows(checks: list[Check], now: datetime) -> Iterator[StatusRow]:
    """The web server, what it needs, the queues of all machines, and the sweep."""
    yield StatusRow(_("Web server"), WORKS, _("ViberDash %(v)s answers.") % {"v": __version__})
    yield installed_row()
    labels = {"database": _("Database"), "cache": _("Cache"), "migrations": _("Migrations")}
    for check in checks:
        if label := labels.get(check.name):
            yield StatusRow(
                label, WORKS if check.works else FAILS, f"{check.text[:1].upper()}{check.text[1:]}."
            )
    queues = Heartbeat.objects.filter(name__startswith=QUEUE, at__gt=now - SHOWN_FOR)
    seen = list(queues.order_by("name").values_list("name", "at"))
    if not seen:
        text = _("No worker has done anything for a day.")
        yield StatusRow(_("Queue"), FAILS, f"{text} {QUEUE_HELP}")
    for name, at in seen:
        label = _("Queue of %(machine)s") % {"machine": name.removeprefix(QUEUE)}
        yield _heartbeat_row(label, at, now, STALLED_AFTER, str(QUEUE_HELP))
    swept = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    yield _heartbeat_row(
        _("Sweep"), swept, now, SWEEP_LATE_AFTER, _("Check that manage.py sweep runs, and its log.")
    )


def installed_row() -> StatusRow:
    """What runs, and whether the code was replaced after the start of this process."""
    database = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    text = (
        f"{installed(RUNNING)}, Python {platform.python_version()},"
        f" Django {django.get_version()}, {database}."
    )
    if commit() == RUNNING:
        return StatusRow(_("Installed"), WORKS, text)
    what_to_do = _("Another version has been installed since: restart web, worker and sweep.")
    return StatusRow(_("Installed"), WARNING, f"{text} {what_to_do}")


def _heartbeat_row(
    label: str, at: datetime | None, now: datetime, late_after: timedelta, what_to_do: str
) -> StatusRow:
    if at is None:
        return StatusRow(label, FAILS, f"{_('It has never run.')} {what_to_do}")
    is_late = now - at > late_after
    text = format_html(_("Last seen {when}."), when=moment(at))
    return StatusRow(
        label,
        FAILS if is_late else WORKS,
        format_html("{} {}", text, what_to_do if is_late else ""),
    )


def work_rows(figures: Figures) -> Iterator[StatusRow]:
    """Batches, results, imports, e-mails."""
    batches = figures.batches
    ready = batches[BatchState.READY]
    open_batches = sum(batches.values()) - ready
    text = _("%(ready)s ready to send, %(open)s with a request whose outcome is open.")
    late = (figures.oldest_request or 0) > REQUEST_LATE_AFTER
    parts = [text % {"ready": number(ready), "open": number(open_batches)}]
    if figures.oldest_request is not None:
        age = duration(int(figures.oldest_request))
        parts.append(_("The oldest request left %(age)s ago.") % {"age": age})
    yield StatusRow(_("Batches"), WARNING if late else WORKS, " ".join(parts), reverse("dashboard"))
    due = figures.due_checks
    text = _("Statuses of %(batches)s batches are to be asked for.")
    yield StatusRow(_("Results"), WORKS, text % {"batches": number(due["first"] + due["again"])})
    text = _("%(tasks)s wait for a worker.")
    yield StatusRow(_("Queued tasks"), WORKS, text % {"tasks": number(figures.queue_length)})
    running = sum(
        figures.imports.get(state, 0)
        for state in (ImportState.QUEUED, ImportState.RUNNING, ImportState.UNDOING)
    )
    text = ngettext("%(n)s import is running.", "%(n)s imports are running.", running)
    yield StatusRow(_("Imports"), WORKS, text % {"n": number(running)}, reverse("import-list"))
    waiting, failed = figures.mails["waiting"], figures.mails["failed"]
    text = _("%(waiting)s to be delivered, %(failed)s failed.")
    yield StatusRow(
        _("E-mails"),
        WARNING if failed else WORKS,
        text % {"waiting": number(waiting), "failed": number(failed)},
        reverse("undelivered-mail"),
    )


def money_rows(reading: CachedBalance, figures: Figures, now: datetime) -> Iterator[StatusRow]:
    """The gateway, the balance and for how long it lasts, what budgets reserve."""
    balance, last = reading.balance, load_gateway_state(now).last_answer
    if balance is None:
        text = _("It does not answer. Sending continues by itself when it does.")
        if last:
            since = format_html(_("It last answered {when}."), when=moment(last))
            text = format_html("{} {}", text, since)
        yield StatusRow(_("Gateway"), FAILS, text, reverse("gateway-check-list"))
        yield StatusRow(_("Balance"), UNKNOWN, _("Only the gateway knows it."))
    else:
        yield StatusRow(_("Gateway"), WORKS, _("It answers."), reverse("gateway-check-list"))
        spent = _spent_today(balance.currency)
        text = money(balance.amount, balance.currency)
        lasting = _lasting_text(balance.amount + balance.limit, spent)
        is_low = bool(spent) and balance.amount + balance.limit < spent
        row = format_html("{}. {}", text, lasting)
        yield StatusRow(_("Balance"), WARNING if is_low else WORKS, row, reverse("spend"))
    held = ", ".join(str(money(amount, name)) for name, amount in sorted(figures.holds.items()))
    text = format_html(
        _("{amount} for messages whose final cost is not yet known."), amount=held or "0"
    )
    yield StatusRow(_("Reserved in budgets"), WORKS, text, reverse("month-budgets"))


def _spent_today(currency: str) -> Decimal:
    totals = LedgerTotal.objects.exclude(purpose=Purpose.REHEARSAL).filter(
        accounts.cached().money(), day=site_today(), currency=currency
    )
    return totals.aggregate(sum=Sum("amount"))["sum"] or ZERO


def _lasting_text(available: Decimal, spent: Decimal) -> str:
    if spent <= 0:
        return _("Nothing was spent today.")
    days = max(int(available / spent), 0)
    text = ngettext(
        "It lasts %(n)s day if each costs what today has cost so far.",
        "It lasts %(n)s days if each costs what today has cost so far.",
        days,
    )
    return text % {"n": number(days)}


def storage_rows(now: datetime) -> Iterator[StatusRow]:
    """The disks of this machine that files are written to, and backups."""
    folders: dict[str, Any] = {_("Contact files"): settings.UPLOAD_ROOT}
    if not settings.S3_BUCKET:
        folders[_("Pictures")] = settings.MEDIA_ROOT
    if settings.SQLITE:
        folders[_("Database file")] = Path(settings.DATABASES["default"]["NAME"]).parent
    for label, folder in folders.items():
        yield _disk_row(label, Path(folder))
    yield _backup_row(Path(settings.BACKUP_ROOT), now)


def _backup_row(root: Path, now: datetime) -> StatusRow:
    made_at = newest(root)
    if made_at is None:
        text = _("There is none in BACKUP_ROOT. docs/backup.md explains how to make them.")
        return StatusRow(_("Backups"), UNKNOWN, text)
    text = format_html(_("The newest was made {when}."), when=moment(made_at))
    return StatusRow(_("Backups"), WARNING if now - made_at > BACKUP_OLD_AFTER else WORKS, text)


def _disk_row(label: str, folder: Path) -> StatusRow:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent  # it is made with the first file
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return StatusRow(label, FAILS, _("The folder can't be read."))
    share = usage.free / max(usage.total, 1)
    text = _("%(free)s of %(total)s are free on this machine's disk.")
    sizes = {"free": filesizeformat(usage.free), "total": filesizeformat(usage.total)}
    return StatusRow(label, WARNING if share < DISK_LOW else WORKS, text % sizes)
