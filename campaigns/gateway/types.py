"""What goes to the gateway and what comes back, typed. Nothing here knows HTTP or JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    LazyText = _StrPromise  # what gettext_lazy returns
else:
    LazyText = str

Channel = Literal["viber", "sms"]


class Address(NamedTuple):
    """One recipient of a message. `reference` is the idempotency key: the gateway refuses it the
    second time.
    """

    msisdn: str
    reference: str


@dataclass(frozen=True, slots=True)
class SmsFallback:
    """The SMS that the gateway sends when Viber cannot deliver in the validity period."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One text for one or many recipients. `scheduled_at` is aware; None means at once."""

    to: tuple[Address, ...]
    text: str
    sender: str
    promotional: bool
    image_url: str = ""
    button_caption: str = ""
    button_url: str = ""
    sms: SmsFallback | None = None
    scheduled_at: datetime | None = None
    callback_url: str = ""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One call of the gateway: at most 50 recipients, all messages together. `validity` is in
    seconds.
    """

    messages: tuple[Message, ...]
    validity: int = 86_400
    tariff: int = 0


class Accepted(NamedTuple):
    """The gateway has it. `price` None is a price not yet known, never a free message."""

    gateway_id: str
    price: Decimal | None
    currency: str


class Refusal(NamedTuple):
    """The gateway will not send it. `code` may be one that no document names."""

    code: int
    description: str


class Unknown(NamedTuple):
    """Nobody knows whether the gateway took it: ask by reference before anything else."""

    why: str


Verdict = Accepted | Refusal | Unknown


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """What became of a send.

    `verdicts` has exactly one entry for each reference of the request. `refused_whole`: nobody was
    sent to, every verdict is that refusal. `not_sent`: the connection never came about, not a byte
    was written, every verdict is Unknown in name only, and repeating is safe. `throttled`: HTTP 429
    or error 11, whole or in an entry; `retry_after` in seconds where the gateway named it. `body`
    is evidence: the answer's text, cut, without the key.
    """

    verdicts: dict[str, Verdict]
    refused_whole: Refusal | None = None
    not_sent: bool = False
    throttled: bool = False
    retry_after: float | None = None
    total_price: Decimal | None = None
    currency: str = ""
    http_status: int | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class FallbackStatus:
    """The SMS that went out instead. `price` is in the currency of the message it belongs to."""

    channel: str
    gateway_id: str
    status: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What the gateway says of one message. `status` is kept as it came; times are aware, in
    UTC.
    """

    gateway_id: str
    msisdn: str
    reference: str
    status: str
    price: Decimal | None
    currency: str
    time_in: datetime | None = None
    time_sent: datetime | None = None
    time_dr: datetime | None = None
    fallback: tuple[FallbackStatus, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of the price list; `country` "" with `country_name` "Other countries" is the rest of
    the world.

    A Viber price is per message, an SMS price per part. `mnc` "0" is the whole country, else one
    network of it.
    """

    channel: Channel
    country: str
    country_name: str
    mcc: str
    mnc: str
    price: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request would cost."""

    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds; `limit` is the credit allowed below zero."""

    amount: Decimal
    currency: str
    limit: Decimal
