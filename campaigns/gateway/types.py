"""Requests to the gateway and its answers, as types. Nothing here knows HTTP or JSON."""

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
    """One recipient of a message.

    `reference` is the idempotency key: the gateway refuses one that it knows already.
    """

    msisdn: str
    reference: str


@dataclass(frozen=True, slots=True)
class SmsFallback:
    """The SMS that the gateway sends if Viber does not deliver within the validity period."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One text for one or more recipients. `scheduled_at` is aware; None means at once."""

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
    """One call: at most 50 recipients over all its messages. `validity` is in seconds."""

    messages: tuple[Message, ...]
    validity: int = 86_400
    tariff: int = 0


class Accepted(NamedTuple):
    """The gateway took the message. `price` None: not yet known, which does not mean free."""

    gateway_id: str
    price: Decimal | None
    currency: str


class Refusal(NamedTuple):
    """The gateway did not take the message. `code` may be one that is not documented."""

    code: int
    description: str


class Unknown(NamedTuple):
    """Nobody knows whether the gateway took the message: ask by reference before sending again."""

    why: str


Verdict = Accepted | Refusal | Unknown


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """The result of a send.

    - `verdicts` has one entry for each reference of the request.
    - `refused_whole`: the whole request was refused, and every verdict is that refusal.
    - `not_sent`: no byte was written, so although every verdict is Unknown, repeating is safe.
    - `throttled`: HTTP 429, or error 11 for the request or a recipient.
    - `retry_after`: in seconds, if the gateway named it.
    - `rounded`: an amount carried the noise of binary floats, which was rounded away.
    - `body`: the text of the answer as evidence, truncated and without the key.
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
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class FallbackStatus:
    """The status of an SMS fallback. Without a price the currency is "" or that of its message."""

    channel: str
    gateway_id: str
    status: str
    price: Decimal | None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """The status of one message; times are aware, in UTC.

    - `gateway_id`, `msisdn`, `reference`: "" if the answer does not name them.
    - `status`: as `gateway.statuses` spells it; one that is not known there is kept as it came.
    - `rounded`: a price carried the noise of binary floats, which was rounded away. Only then
      `body` is the text of the answer as evidence, truncated and without the key.
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
    rounded: bool = False
    body: str = ""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of the price list: per message for Viber, per part for SMS.

    `country` "" with the name "Other countries" is the rest of the world. `mnc` "0" is the whole
    country, any other value one network of it.
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
    """The price of a request that was not sent."""

    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds; it may go `limit` below zero."""

    amount: Decimal
    currency: str
    limit: Decimal


@dataclass(frozen=True, slots=True)
class StatisticsFile:
    """A statistics file of the account. `status` is in lower case, otherwise as it came.

    `mark` recognizes the question that it answers: equal questions have the same. "": not known.
    """

    key: str
    status: str
    mark: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it can be fetched."""
        return self.status == "done"

    @property
    def has_failed(self) -> bool:
        """Whether the gateway could not make it."""
        return self.status == "error"


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """A message in a statistics file, which never names our reference.

    Times are aware, in UTC as in a status answer. `price` None: not known. `channel`: "" if the
    row does not name it.
    """

    gateway_id: str
    channel: str
    msisdn: str
    status: str
    price: Decimal | None
    currency: str
    time_in: datetime | None = None
    time_sent: datetime | None = None
    time_dr: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatisticsRows:
    """What a statistics file has. `unreadable`: rows without an id or a status."""

    rows: tuple[StatisticsRow, ...]
    unreadable: int = 0
