"""Fees of senders and corrections, which administrators add to the ledger."""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, Sender
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, LedgerEntry
from campaigns.shared.money import exact
from campaigns.team import accounts, audit
from campaigns.team.models import User


class CorrectionRefused(Exception):  # noqa: N818
    """The entry was not added; its text tells the user why."""


@transaction.atomic
def enter_fee(actor: User, sender: Sender, month: date, amount: Decimal, currency: str) -> None:
    """Add the fee of `sender` for the month that begins at `month`.

    Raises CorrectionRefused if that fee is in the ledger already.
    """
    # Of two users at once, the second waits here and is refused.
    Sender.objects.select_for_update().get(pk=sender.pk)
    note = f"{sender.name}, {month:%Y-%m}"
    own = LedgerEntry.objects.filter(accounts.load().is_shown(), campaign=None)
    if own.filter(kind=Kind.FEE, note=note).exists():
        raise CorrectionRefused(
            _("The fee for %(name)s is already in the ledger. Add a correction instead.")
            % {"name": note}
        )
    _enter(Kind.FEE, Channel.FEE, None, amount, currency, note)
    audit.record(actor, sender, "fee", f"{note}: {exact(amount)} {currency}")


@transaction.atomic
def enter_correction(
    actor: User,
    channel: Channel,
    campaign: Campaign | None,
    amount: Decimal,
    currency: str,
    note: str,
) -> None:
    """Add `amount` to the cost of `campaign`, or of none; a negative amount is a reduction.

    Raises CorrectionRefused without a campaign while it is not known whose key is in use.
    """
    _enter(Kind.CORRECTION, channel, campaign, amount, currency, note)
    audit.record(actor, campaign or actor, "correction", f"{exact(amount)} {currency}: {note}")


def _enter(
    kind: Kind,
    channel: Channel,
    campaign: Campaign | None,
    amount: Decimal,
    currency: str,
    note: str,
) -> None:
    known = accounts.load()
    if campaign is None and known.shown is None:
        raise CorrectionRefused(_("It is not known yet which account the brand's key belongs to."))
    account_id = None if campaign else known.id_in_ledger
    campaign_id, amounts = campaign.pk if campaign else None, [(None, amount)]
    movement = Movement(
        kind, channel, campaign_id, "", currency, amounts, note=note, account_id=account_id
    )
    write_entries([movement], timezone.now())


def manual_entries() -> list[LedgerEntry]:
    """The newest 50 fees and corrections that belong to no campaign, newest first."""
    entries = LedgerEntry.objects.filter(
        accounts.cached().is_shown(), campaign=None, kind__in=(Kind.FEE, Kind.CORRECTION)
    )
    return list(entries.order_by("-pk")[:50])
