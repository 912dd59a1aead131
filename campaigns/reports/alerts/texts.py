"""The sentences of alerts, each made of the data of an alert. Any data gives a sentence: it may be
that of another version.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.launch.pause_reasons import PauseReason, pause_reason
from campaigns.reports.alerts.money import RATE_DAYS
from campaigns.shared.money import exact

Detail = Any  # the object of JSON that a detection wrote; of another version, anything


def of_its_brand(sentence: Callable[[Detail], str]) -> Callable[[Detail], str]:
    """`sentence`, which names the brand if the alert is about the account of a brand's own key."""

    def named(detail: Detail) -> str:
        values = {"brand": _text(detail, "brand"), "sentence": sentence(detail)}
        return (
            _("Brand “%(brand)s”: %(sentence)s") % values if values["brand"] else values["sentence"]
        )

    return named


def campaign_paused(detail: Detail) -> str:
    text = _("Campaign “%(name)s” is paused. %(why)s")
    return (text % {"name": _text(detail, "name"), "why": _reason(detail).sentence}).strip()


def campaign_next_step(detail: Detail) -> str:
    return str(_reason(detail).next_step)


def campaign_continues(detail: Detail) -> str:
    return _("Campaign “%(name)s” is no longer paused.") % {"name": _text(detail, "name")}


def _reason(detail: Detail) -> PauseReason:
    with suppress(KeyError, ValueError):
        return pause_reason(_text(detail, "reason"))
    return PauseReason("", _("Open the campaign: its page says what to do."))


def webhook_fails(detail: Detail) -> str:
    values = {"host": _text(detail, "host")}
    if whole_number(detail, "paused"):
        return _("The webhook to %(host)s is paused: it took nothing for three days.") % values
    return _("The webhook to %(host)s takes nothing.") % values


def webhook_works(detail: Detail) -> str:
    text = _("The webhook to %(host)s takes events again, or is switched off.")
    return text % {"host": _text(detail, "host")}


def queue_stands(detail: Detail) -> str:
    if not _text(detail, "seen_at"):
        return _("No worker has ever done anything: nothing is sent or imported.")
    text = _("No worker has done anything since %(when)s: nothing is sent or imported.")
    return text % {"when": _when(detail, "seen_at")}


def machine_stands(detail: Detail) -> str:
    text = _("The worker of %(machine)s has done nothing since %(when)s; others work.")
    return text % {"machine": _text(detail, "machine"), "when": _when(detail, "seen_at")}


def machine_works(detail: Detail) -> str:
    return _("The worker of %(machine)s works again, or all stand.") % {
        "machine": _text(detail, "machine")
    }


def sweep_stands(detail: Detail) -> str:
    if not _text(detail, "seen_at"):
        return _("The sweep process has never run: campaigns may start late or not at all.")
    text = _("The sweep has not run since %(when)s: campaigns may start late or not at all.")
    return text % {"when": _when(detail, "seen_at")}


def gateway_silent(detail: Detail) -> str:
    text = _("The gateway has not answered since %(when)s, or refuses the key.")
    return text % {"when": _when(detail, "seen_at")}


def balance_low(detail: Detail) -> str:
    """ "12.30 EUR left: about 3 days at the rate of the last 7 days." """
    left = f"{_exact(detail, 'amount')} {_text(detail, 'currency')}"
    return _("%(left)s left: %(lasting)s.") % {"left": left, "lasting": _lasting(detail)}


def _lasting(detail: Detail) -> str:
    amount, spent = _amount(detail, "amount"), _amount(detail, "spent")
    return _unspendable(amount, spent) or _at_rate(amount, spent)


def balance_lasting(amount: Decimal, spent: Decimal) -> str:
    """ "Lasts about 12 days at the rate of the last 7 days". `spent`: the cost of these 7 days."""
    if text := _unspendable(amount, spent):
        return capfirst(text)
    return _("Lasts %(lasting)s") % {"lasting": _at_rate(amount, spent)}


def _unspendable(amount: Decimal, spent: Decimal) -> str:
    """Why it can't be said for how long `amount` lasts; "" if it can."""
    if amount <= 0:
        return _("no message can be paid")
    if spent <= 0:
        return _("nothing was spent in the last %(n)d days") % {"n": RATE_DAYS}
    return ""


def _at_rate(amount: Decimal, spent: Decimal) -> str:
    days = int(amount * RATE_DAYS / spent)
    lasting = ngettext("about %(days)d day", "about %(days)d days", days) % {"days": days}
    lasting = lasting if days else _("less than a day")
    text = _("%(lasting)s at the rate of the last %(n)d days")
    return text % {"lasting": lasting, "n": RATE_DAYS}


def balance_enough(detail: Detail) -> str:
    text = _("The balance is above the limit of %(limit)s %(currency)s again.")
    return text % {"limit": _exact(detail, "limit"), "currency": _text(detail, "currency")}


def drift(detail: Detail) -> str:
    text = _("%(amount)s %(currency)s were charged in the last 7 days and are not in the ledger.")
    return text % {"amount": _exact(detail, "missing"), "currency": _text(detail, "currency")}


def drift_over(detail: Detail) -> str:
    text = _("The ledger in %(currency)s explains the balance of the last 7 days again.")
    return text % {"currency": _text(detail, "currency")}


def backup_failed(detail: Detail) -> str:
    text = _("The backup of %(when)s failed: %(failure)s")
    return text % {"when": _when(detail, "at"), "failure": _text(detail, "failure")}


def backup_overdue(detail: Detail) -> str:
    if not _text(detail, "at"):
        return _("No backup was ever completed.")
    return _("The last complete backup is of %(when)s.") % {"when": _when(detail, "at")}


def disk_full(detail: Detail) -> str:
    text = _("The disk of %(machine)s is nearly full: %(percent)d%% free. On it: %(folder)s.")
    return text % {**_disk(detail), "percent": whole_number(detail, "percent")}


def disk_has_room(detail: Detail) -> str:
    return _("The disk of %(machine)s (%(folder)s) has room again.") % _disk(detail)


def _disk(detail: Detail) -> dict[str, str]:
    return {"machine": _text(detail, "machine"), "folder": _(_text(detail, "folder") or "?")}


def trail_damaged(detail: Detail) -> str:
    number = whole_number(detail, "findings")
    text = ngettext(
        "The audit trail is damaged: its last verification found %(n)d fault.",
        "The audit trail is damaged: its last verification found %(n)d faults.",
        number,
    )
    return text % {"n": number}


def restored(detail: Detail) -> str:
    text = _("The database was restored from a backup, so nothing is sent since %(when)s.")
    return text % {"when": _when(detail, "since")}


def _text(detail: Detail, name: str) -> str:
    return str(detail.get(name, "")) if isinstance(detail, Mapping) else ""


def whole_number(detail: Detail, name: str) -> int:
    """The whole number under `name`; 0 if there is none."""
    return int(_amount(detail, name))


def _amount(detail: Detail, name: str) -> Decimal:
    try:
        amount = Decimal(_text(detail, name))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and abs(amount) < 10**12 else Decimal(0)


def _exact(detail: Detail, name: str) -> str:
    return exact(_amount(detail, name))


def _when(detail: Detail, name: str) -> str:
    """A moment in the reader's zone; in e-mails, the site's."""
    try:
        at = datetime.fromisoformat(_text(detail, name))
        return moment_text(at)
    except (ValueError, OverflowError):
        return _("an unknown time")


def moment_text(at: datetime) -> str:
    """ "30 Nov, 08:12 (UTC)", in the reader's zone; in e-mails, the site's."""
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'j M, H:i')} ({timezone.get_current_timezone_name()})"
