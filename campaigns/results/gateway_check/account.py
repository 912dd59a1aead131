"""The account: address and key, balance, prices, sender. Nothing is sent."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.compose.pricing.price_list import OTHER_COUNTRIES, SMS, VIBER
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.gateway.bsg.client import Client, Listener, new_client
from campaigns.gateway.environment import Environment, environment
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.key_in_use import key_in_use
from campaigns.gateway.types import Balance, PriceRow, Quote
from campaigns.results.gateway_check import steps
from campaigns.results.gateway_check.content import CheckRequest, quote_request
from campaigns.results.gateway_check.steps import Step
from campaigns.shared.money import ZERO, exact

# seconds of each call; somebody waits for the page
CONNECT_TIMEOUT, DEADLINE = 2.0, 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message costs at most. `sms` None: the price of its SMS is not known."""

    viber: Decimal
    sms: Decimal | None
    currency: str

    def __str__(self) -> str:
        if self.sms is None:
            amount = money(self.viber, self.currency)
            return _("%(amount)s, and its SMS, whose price is not known") % {"amount": amount}
        return money(self.viber + self.sms, self.currency)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers about prices, each with the error instead where a call failed."""

    viber: list[PriceRow] | GatewayError
    sms: list[PriceRow] | GatewayError
    quote: Quote | GatewayError | None  # None: not asked for


def client(listener: Listener) -> Client:
    """A client of the account in use, with short timeouts. Raises ValueError for a key that can't
    be one, and GatewayKeyUnusable for one that can't be read.
    """
    return new_client(CONNECT_TIMEOUT, DEADLINE, connections=4, listener=listener)


def money(amount: Decimal, currency: str) -> str:
    """An amount with all its decimals and the currency, as text."""
    return f"{formats.number_format(Decimal(exact(amount)), force_grouping=True)} {currency}"


def attempt(call: Callable[[], T]) -> T | GatewayError:
    """What `call` returns, or the error that it raised."""
    try:
        return call()
    except GatewayError as error:
        return error


def key_steps(balance: Balance | GatewayError) -> list[Step]:
    """Address and key, and the balance, by the answer to the cheapest call that needs the key."""
    if isinstance(balance, GatewayError):
        return [
            steps.failed_by(steps.KEY, balance),
            steps.not_tried(steps.BALANCE, _("It takes an address and a key that work.")),
        ]
    return [_key_step(), _balance_step(balance)]


def _key_step() -> Step:
    kind, host = environment(), urlsplit(key_in_use().address).hostname or ""
    if kind is Environment.TEST:
        text = _("%(host)s answers and accepts the key, which is a test key: it sends nothing and")
        text += " " + _("answers with random data and prices.")
        return steps.warning(
            steps.KEY,
            text % {"host": host},
            _("To send messages, set BSG_API_KEY to a key that begins with live_."),
        )
    if kind is Environment.SANDBOX:
        text = _("The sandbox at %(host)s answers and accepts the key. Nothing is really sent.")
    else:
        text = _("%(host)s answers and accepts the key.")
    return steps.passed(steps.KEY, text % {"host": host})


def _balance_step(balance: Balance) -> Step:
    names = {
        "amount": money(balance.amount, balance.currency),
        "limit": money(balance.limit, balance.currency),
    }
    text = _("The balance is %(amount)s. It may go %(limit)s below zero.") % names
    if balance.amount + balance.limit <= ZERO:
        return steps.warning(steps.BALANCE, text, _("Top up before you send."))
    return steps.passed(steps.BALANCE, text)


def ask_prices(
    asked: Client, pool: ThreadPoolExecutor, message: Campaign | None, msisdn: str
) -> Callable[[], Answers]:
    """Ask for both price lists and a quote for `message`; what is returned waits for them.

    Without a phone the quote is for an example of this country.
    """
    viber = pool.submit(attempt, lambda: asked.prices(VIBER))
    sms = pool.submit(attempt, lambda: asked.prices(SMS))
    quote: Future[Quote | GatewayError] | None = None
    if message:
        request = quote_request(message, msisdn or example_phone())
        quote = pool.submit(attempt, lambda: asked.quote(request))
    return lambda: Answers(viber.result(), sms.result(), quote.result() if quote else None)


def example_phone() -> str:
    """A phone of this installation's country, which may belong to nobody, for a quote."""
    kind = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(settings.DEFAULT_COUNTRY, kind)
    if example is None:
        return "380501234567"
    return f"{example.country_code}{phonenumbers.national_significant_number(example)}"


def prices_step(answers: Answers, balance_currency: str) -> Step:
    """Whether both price lists can be read, and fit the currency of the balance."""
    viber, sms = answers.viber, answers.sms
    if isinstance(viber, GatewayError):
        return steps.failed_by(steps.PRICES, viber)
    text = _("Viber: %(rows)s.") % {"rows": _rows_text(viber)}
    if isinstance(sms, GatewayError):
        step = steps.failed_by(steps.PRICES, sms)
        text += " " + _("SMS: %(problem)s") % {"problem": step.text}
        return steps.warning(steps.PRICES, text, step.next_step)
    text += " " + _("SMS: %(rows)s.") % {"rows": _rows_text(sms)}
    if not viber:
        return steps.failed(
            steps.PRICES, text, _("Ask BSG for the prices of your account: there are none.")
        )
    others = {row.currency for row in (*viber, *sms)} - {balance_currency}
    if others:
        text += " " + _("The balance is in %(currency)s.") % {"currency": balance_currency}
        return steps.warning(
            steps.PRICES, text, _("Ask BSG in which currency messages of this account are billed.")
        )
    return steps.passed(steps.PRICES, text)


def _rows_text(rows: Sequence[PriceRow]) -> str:
    currencies = ", ".join(sorted({row.currency for row in rows}))
    return _("%(n)d prices in %(currencies)s") % {"n": len(rows), "currencies": currencies or "–"}


def sender_step(request: CheckRequest, answers: Answers) -> Step:
    """Whether the gateway quotes a message from the sender, and what the message would cost."""
    if not request.sender or answers.quote is None:
        return steps.not_tried(steps.SENDER, _("No sender was chosen."))
    if isinstance(answers.quote, GatewayError):
        return steps.failed_by(steps.SENDER, answers.quote)
    text = _("BSG quotes %(amount)s for a message from “%(sender)s”.") % {
        "amount": money(answers.quote.total, answers.quote.currency),
        "sender": request.sender,
    }
    if environment() is Environment.TEST:
        proof = _("With a test key, that says nothing about the sender.")
    else:
        proof = _("Only a message that was sent proves that the sender is registered.")
    return steps.passed(steps.SENDER, text, proof)


def highest_cost(request: CheckRequest, answers: Answers) -> Cost | None:
    """What the message costs at most; None if the gateway gave no quote."""
    quote = answers.quote
    if quote is None or isinstance(quote, GatewayError):
        return None
    if not request.sms_sender:
        return Cost(quote.total, ZERO, quote.currency)
    rows = [] if isinstance(answers.sms, GatewayError) else answers.sms
    phone = normalise(f"+{request.msisdn}", settings.DEFAULT_COUNTRY)
    country = phone.country if isinstance(phone, Phone) else ""
    own = [row for row in rows if row.country == country] or [
        row for row in rows if row.country == OTHER_COUNTRIES
    ]
    fits = bool(own) and all(row.currency == quote.currency for row in own)
    return Cost(quote.total, max(row.price for row in own) if fits else None, quote.currency)
