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
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.models import ImportState
from campaigns.dispatch.models import BatchState, Heartbeat
from campaigns.dispatch.workers.health import QUEUE, STALLED_AFTER
from campaigns.gateway.balance import load_balance
from campaigns.gateway.key_in_use import key_in_use, using
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.reports.installation.figures import Figures
from campaigns.reports.installation.readiness import Check
from campaigns.reports.statuses.gateway_state import load_gateway_state
from campaigns.shared.days import site_today
from campaigns.shared.figures.durations import duration
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.team.alerts import records
from campaigns.team.brand_keys.in_use import all_keys
from campaigns.team.models import Brand
from campaigns.templatetags.viberdash import moment, money, number
from viberdash import __version__
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


def money_rows(figures: Figures, now: datetime) -> Iterator[StatusRow]:
    """For each key: the gateway, the balance and for how long it lasts. What budgets reserve."""
    keys = all_keys()
    for key in keys:
        with using(key):
            yield from _account_rows(now, _account_name() if len(keys) > 1 else "")
    held = ", ".join(str(money(amount, name)) for name, amount in sorted(figures.holds.items()))
    text = format_html(
        _("{amount} for messages whose final cost is not yet known."), amount=held or "0"
    )
    yield StatusRow(_("Reserved in budgets"), WORKS, text, reverse("month-budgets"))


def _account_name() -> str:
    """What rows are labelled with where there are several keys."""
    account = accounts.load().current
    brands = Brand.objects.filter(pk__in=key_in_use().brands).values_list("name", flat=True)
    names = [account.name if account else "", ", ".join(brands)]
    return " – ".join(filter(None, names)) or "BSG_API_KEY"


def _unused_row(label: str) -> StatusRow | None:
    """The row of a key that nothing is sent with; None for any other."""
    known = accounts.load()
    if known.problem:
        return StatusRow(label, FAILS, known.problem)
    if known.is_new_key:
        text = _("Nobody has said yet which account its key belongs to, so nothing is sent.")
        return StatusRow(label, WARNING, text)
    return None


def _account_rows(now: datetime, name: str) -> Iterator[StatusRow]:
    """The gateway and the balance of the key in use; `name`: what it is called, "" where it is the
    only one.
    """
    suffix = f": {name}" if name else ""
    gateway, url = _("Gateway") + suffix, reverse("gateway-check-list")
    if name and (unused := _unused_row(gateway)):
        yield unused
        return
    reading, last = load_balance(), load_gateway_state(now).last_answer
    balance = reading.balance
    if balance is None:
        text = str(reading.problem)
        if reading.is_silent:
            text = f"{text} {_('Sending continues by itself when it does.')}"
        if last and reading.is_silent:
            since = format_html(_("It last answered {when}."), when=moment(last))
            text = format_html("{} {}", text, since)
        yield StatusRow(gateway, FAILS, text, url)
        yield StatusRow(_("Balance") + suffix, UNKNOWN, _("Only the gateway knows it."))
    else:
        yield StatusRow(gateway, WORKS, _("It answers."), url)
        spent = _spent_today(balance.currency)
        text = money(balance.amount, balance.currency)
        lasting = _lasting_text(balance.amount + balance.limit, spent)
        is_low = bool(spent) and balance.amount + balance.limit < spent
        row = format_html("{}. {}", text, lasting)
        colour = WARNING if is_low else WORKS
        yield StatusRow(_("Balance") + suffix, colour, row, reverse("spend"))


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


def storage_rows() -> Iterator[StatusRow]:
    """The disks of this machine that files are written to, and backups."""
    folders: dict[str, Any] = {_("Contact files"): settings.UPLOAD_ROOT}
    if not settings.S3_BUCKET:
        folders[_("Pictures")] = settings.MEDIA_ROOT
    if settings.SQLITE:
        folders[_("Database file")] = Path(settings.DATABASES["default"]["NAME"]).parent
    for label, folder in folders.items():
        yield _disk_row(label, Path(folder))
    yield _backup_row()


def _backup_row() -> StatusRow:
    """The last complete backup, and whether one failed since."""
    last = records.last_backups()
    if last.succeeded_at is None and last.failed_at is None:
        text = _("ViberDash does not know of any. See docs/backup.md.")
        return StatusRow(_("Backups"), UNKNOWN, text)
    texts = []
    if last.succeeded_at:
        made = _("The last complete one was made {when}.")
        texts.append(format_html(made, when=moment(last.succeeded_at)))
    has_failed = last.failed_at and not (last.succeeded_at and last.succeeded_at >= last.failed_at)
    if has_failed:
        failed = _("The last one failed {when}: {failure}")
        texts.append(format_html(failed, when=moment(last.failed_at), failure=last.failure))
    colour = FAILS if has_failed else WORKS
    return StatusRow(_("Backups"), colour, format_html_join(" ", "{}", ([text] for text in texts)))


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
