"""The money that a status moves: the prices that the gateway names, minus what was entered before.

The row of a recipient says what was entered for it, so that no entry has to be read: for Viber the
newest price, or else the one of the send; for SMS `sms_price`. Only where several SMS of a message
cost different currencies are the entered amounts read from the ledger: amounts of different
currencies are never added up, and a row has one price for SMS.

- A currency changes only together with a price. A price without any currency is not known.
- An answer that leaves a price out changes nothing. One that names the prices of some of its SMS
  alone counts only as long as no price of an SMS was known.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from campaigns.dispatch.models import SEVERAL_CURRENCIES, Recipient
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.models import Channel, Kind, LedgerEntry
from campaigns.shared.money import ZERO

# The amount in each currency. None: there is no such message; empty: its price is not known.
Prices = Mapping[str, Decimal] | None


class Change(NamedTuple):
    """An entry to write for one channel of one message. `amount` None: the price is not known."""

    kind: Kind
    currency: str
    amount: Decimal | None
    settles: bool = False


class RowPrices(NamedTuple):
    """The prices in the columns of a recipient."""

    currency: str
    viber_price: Decimal | None
    sms_currency: str
    sms_price: Decimal | None
    sms_status: str


def price_changes(entered: Prices, named: Prices, currency: str) -> list[Change]:
    """The entries after which those of a channel add up to `named`, where they did to `entered`.

    The first entry of a channel is a charge. `currency` is that of a charge without a price.
    """
    if named is None or (entered is not None and not named):
        return []
    if entered is None and not named:
        return [Change(Kind.CHARGE, currency, None)]
    if not entered:  # the first amounts, in one currency or several
        first = Kind.CHARGE if entered is None else Kind.ADJUSTMENT
        settles = entered is not None
        (start, amount), *others = sorted(named.items())
        rest = [Change(Kind.ADJUSTMENT, name, more) for name, more in others]
        return [Change(first, start, amount, settles), *rest]
    return [
        Change(Kind.ADJUSTMENT, name, change)
        for name in dict.fromkeys([*sorted(entered), *sorted(named)])
        if (change := named.get(name, ZERO) - entered.get(name, ZERO))
    ]


def entered_viber(recipient: Recipient) -> Prices:
    """What was entered for the Viber message of an accepted recipient."""
    price = recipient.charged if recipient.viber_price is None else recipient.viber_price
    return {} if price is None else {recipient.currency: price}


def entered_sms(recipients: Sequence[Recipient]) -> dict[int, Prices]:
    """What was entered for the SMS of each of `recipients`, which are of one campaign, by id."""
    several = [one for one in recipients if one.sms_currency == SEVERAL_CURRENCIES]
    from_ledger = _sms_entries(several) if several else {}
    return {
        one.pk: from_ledger[one.pk] if one.pk in from_ledger else _sms_of_row(one)
        for one in recipients
    }


def _sms_of_row(recipient: Recipient) -> Prices:
    if recipient.sms_price is None:
        return {} if recipient.sms_status else None
    return {recipient.currency_of_sms: recipient.sms_price}


def _sms_entries(recipients: Sequence[Recipient]) -> dict[int, dict[str, Decimal]]:
    entries = LedgerEntry.objects.filter(
        campaign=recipients[0].campaign_id,
        channel=Channel.SMS,
        recipient__in=[one.pk for one in recipients],
        amount__isnull=False,
    )
    sums: dict[int, dict[str, Decimal]] = {one.pk: {} for one in recipients}
    for pk, currency, amount in (
        entries.order_by().values_list("recipient", "currency").annotate(Sum("amount"))
    ):
        sums[pk][currency] = amount
    return sums


def named_viber(recipient: Recipient, status: MessageStatus) -> Prices:
    """The price of the Viber message that `status` names; empty where it names none."""
    currency = status.currency or recipient.currency
    return {} if status.price is None or not currency else {currency: status.price}


def named_sms(recipient: Recipient, status: MessageStatus, entered: Prices) -> Prices:
    """The prices of all SMS of the message that `status` names, added up by currency.

    None where the message has no SMS, neither by `status` nor as `entered`.
    """
    message_currency = status.currency or recipient.currency
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    is_complete = True
    for sms in status.fallback:
        currency = sms.currency or message_currency
        if sms.price is None or not currency:
            is_complete = False
        else:
            sums[currency] += sms.price
    if sums and (is_complete or not entered):
        return dict(sums)
    return None if entered is None and not _sms_status(recipient, status) else {}


def row_prices(
    recipient: Recipient, status: MessageStatus, viber: Prices, sms: Prices
) -> RowPrices:
    """The columns of `recipient` after the prices `viber` and `sms` were named."""
    currency, viber_price = recipient.currency, recipient.viber_price
    if viber:
        [(currency, viber_price)] = viber.items()
    sms_price = recipient.sms_price
    sms_currency = "" if sms_price is None else recipient.currency_of_sms
    if recipient.sms_currency == SEVERAL_CURRENCIES:
        sms_currency = SEVERAL_CURRENCIES
    if sms:
        sms_currency, sms_price = (
            next(iter(sms.items())) if len(sms) == 1 else (SEVERAL_CURRENCIES, None)
        )
    return RowPrices(currency, viber_price, sms_currency, sms_price, _sms_status(recipient, status))


def _sms_status(recipient: Recipient, status: MessageStatus) -> str:
    """The newest status of an SMS; "" where none was ever named."""
    named = [sms.status[:30] for sms in status.fallback if sms.status]
    return named[-1] if named else recipient.sms_status
