"""The client of the gateway: one method for each call of docs/gateway-contract.md.

Nothing else knows the API key.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import quote as url_quote

import requests
from django.conf import settings

from campaigns.gateway import errors
from campaigns.gateway.bsg import json_values, payload, query_answers, statistics_files
from campaigns.gateway.bsg.send_answers import read_answer, same_verdict
from campaigns.gateway.bsg.transport import HttpAnswer, NoAnswer, Transport
from campaigns.gateway.key_in_use import GatewayKey, key_in_use
from campaigns.gateway.types import (
    Accepted,
    Balance,
    Channel,
    MessageStatus,
    PriceRow,
    Quote,
    SendAnswer,
    SendRequest,
    StatisticsFile,
    StatisticsRows,
    Unknown,
)
from campaigns.shared.money import ZERO

EVIDENCE_MAX = 16_384  # characters of an answer that are kept as evidence
CONNECT_TIMEOUT, DEADLINE = 5.0, 30.0  # seconds
SHORTEST_KEY = 8  # characters; removing a shorter key would remove words from the evidence
# how each reference of a rehearsal begins, and no other, as those are hex digits
REHEARSAL_MARK = "rehearsal"
TEST_KEY = "test_"  # how a key begins with which nothing is sent
CLIENTS_KEPT = 64  # in a process, of the keys of brands
T = TypeVar("T")
# Gets the method and the path of each call, the HTTP status of its answer (None: no answer came)
# and its text without the key, or why there is none. Called in the thread that calls.
Listener = Callable[[str, str, int | None, str], None]


class AnyTransport(Protocol):
    """What exchanges a request for an answer: `Transport`, or a rehearsal within the process."""

    def exchange(self, prepared: requests.PreparedRequest) -> HttpAnswer:
        """The answer to `prepared`. Raises NoAnswer."""
        ...

    def close(self) -> None:
        """Close the connections that are kept open."""
        ...


class _Key(str):
    """The API key, hidden wherever values are shown: tracebacks, debug pages, logs of headers."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[key]'"


class Client:
    """A client of the BSG API, safe for many threads and for processes that fork later.

    - `source`: the value of X-API-SOURCE.
    - `connect_timeout`, `deadline`: seconds to connect, and for a whole call.
    - `connections`: how many are kept open.
    - `transport`: answers in place of the network, for a rehearsal. Only such a client takes the
      references of rehearsals, and it takes no others.
    - `listener`: is told of each answer as it came.

    With a test key the gateway sends and charges nothing, and names random prices: messages then
    cost 0.

    Raises ValueError for a key that a header cannot carry.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        source: str = "ViberDash",
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        deadline: float = DEADLINE,
        connections: int = 32,
        transport: AnyTransport | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._key = _Key(api_key.strip())
        if not re.fullmatch(r"[!-~]+", self._key):
            raise ValueError("the API key is empty or has invalid characters")
        self._charges = not self._key.startswith(TEST_KEY)
        self._rehearses = transport is not None
        self._listener = listener
        self._transport = transport or Transport(
            self.base_url, connect_timeout, deadline, connections
        )
        headers = {
            "X-API-KEY": self._key,
            "X-API-SOURCE": source,
            "User-Agent": source,
            "Accept": "application/json",
        }
        self._get = requests.Request("GET", self.base_url, headers=headers).prepare()
        self._post = requests.Request(
            "POST",
            self.base_url,
            headers=headers | {"Content-Type": "application/json"},
            data=b"{}",
        ).prepare()
        self._create = self._address("/viber/create")

    def __repr__(self) -> str:
        return f"<Client {self.base_url}>"

    def __reduce__(self) -> Any:
        raise TypeError("a client cannot be pickled: it holds the API key")

    def send(self, request: SendRequest) -> SendAnswer:
        """Send `request` once and return a verdict for each reference.

        Nothing that the gateway or the network does raises. Raises ValueError, before anything is
        sent, if the references are not unique, or belong to a rehearsal and this client does not.
        """
        references = _references(request)
        self._refuse_mixed_up(references)
        try:
            answer, text = self._exchange(self._posting(self._create, payload.body(request)))
        except NoAnswer as failure:
            unknown = Unknown(self._without_key(failure.why))
            return SendAnswer(same_verdict(references, unknown), not_sent=not failure.written)
        read = read_answer(
            request, answer.status, text, json_values.seconds(answer.headers.get("Retry-After"))
        )
        read = read if self._charges else _uncharged_answer(read)
        return read if len(text) <= EVIDENCE_MAX else _with_short_body(read)

    def quote(self, request: SendRequest) -> Quote:
        """What `request` would cost; sends nothing. Raises GatewayError."""
        return self._ask(query_answers.read_quote, "/viber/price", payload.body(request))

    def prices(self, channel: Channel, tariff: int = 0) -> list[PriceRow]:
        """The price list of a channel. Raises GatewayError; for an unknown tariff, error 6."""
        return self._ask(
            lambda answer: query_answers.read_prices(answer, channel),
            f"/{channel}/prices/{tariff:d}",
        )

    def balance(self) -> Balance:
        """What the account holds. Raises GatewayError."""
        return self._ask(query_answers.read_balance, "/common/balance")

    def status_by_id(self, gateway_id: str) -> MessageStatus | None:
        """The status of the message with this id; None if the gateway has no such message.

        Raises GatewayError.
        """
        status = self._status(
            f"/viber/{url_quote(gateway_id, safe='')}",
            lambda status: status.gateway_id in ("", gateway_id),
        )
        return replace(status, gateway_id=gateway_id) if status else None

    def status_by_reference(self, reference: str, msisdn: str = "") -> MessageStatus | None:
        """The status of the message with our reference; None if the gateway never accepted it.

        An answer that names another reference is unreadable, and so is one that names another
        phone than `msisdn`, unless that is "". The answer may have no `gateway_id`.

        Raises GatewayError, and ValueError as `send` does.
        """
        self._refuse_mixed_up([reference])
        return self._status(
            f"/viber/reference/{url_quote(reference, safe='')}",
            lambda status: (
                status.reference in ("", reference)
                and (not msisdn or status.msisdn in ("", msisdn))
            ),
            msisdn,
        )

    def create_file(self, question: bytes) -> str:
        """Have a statistics file made and return its key.

        `question` is of `statistics_files.for_ids` or `for_window`. Raises GatewayError, with error
        92 if the account has 5 files.
        """
        return self._ask(statistics_files.read_key, statistics_files.CREATE, question)

    def files(self) -> list[StatisticsFile]:
        """The statistics files of the account, those of others too. Raises GatewayError."""
        return self._ask(statistics_files.read_list, statistics_files.LIST)

    def fetch_file(self, key: str) -> StatisticsRows:
        """The messages of a statistics file. Raises GatewayError.

        With error 91 it is not ready yet; with error 90 there is none with this key.
        """
        content = self._ask_for_text(
            statistics_files.read_rows,
            self._getting(statistics_files.path_of(url_quote(key, safe=""))),
            statistics_files.repaired,
        )[0]
        return content if self._charges else _uncharged_rows(content)

    def delete_file(self, key: str) -> None:
        """Delete a statistics file. Raises GatewayError, with error 90 if there is none."""
        prepared = self._getting(f"/exports/file?id={url_quote(key, safe='')}")
        prepared.method = "DELETE"
        self._ask_for_text(lambda answer: answer, prepared)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()

    def _refuse_mixed_up(self, references: Sequence[str]) -> None:
        """A rehearsal must not reach a gateway, nor a message to a gateway a rehearsal."""
        if any(reference.startswith(REHEARSAL_MARK) != self._rehearses for reference in references):
            raise ValueError(
                "only a rehearsal takes the references of rehearsals, and it takes no others"
            )

    def _status(
        self, path: str, matches: Callable[[MessageStatus], bool], msisdn: str = ""
    ) -> MessageStatus | None:
        def read(answer: Mapping[str, Any]) -> MessageStatus:
            status = query_answers.read_status(answer, msisdn)
            if not matches(status):
                raise errors.GatewayUnreadable("the answer is about another message")
            return status

        try:
            status, text = self._ask_for_text(read, self._getting(path))
        except errors.GatewayRefused as refused:
            if refused.code == errors.NOT_FOUND:
                return None
            raise
        status = status if self._charges else _uncharged_status(status)
        return replace(status, body=text[:EVIDENCE_MAX]) if status.rounded else status

    def _ask(self, read: Callable[[Any], T], path: str, body: bytes | None = None) -> T:
        prepared = self._getting(path) if body is None else self._posting(self._address(path), body)
        return self._ask_for_text(read, prepared)[0]

    def _ask_for_text(
        self,
        read: Callable[[Any], T],
        prepared: requests.PreparedRequest,
        repair: Callable[[str], str] = str,
    ) -> tuple[T, str]:
        """What `read` makes of the answer, and its text. Raises GatewayError with the evidence.

        `repair` makes JSON of a text that is not.
        """
        try:
            answer, text = self._exchange(prepared)
        except NoAnswer as failure:
            raise errors.GatewayUnreachable(self._without_key(failure.why)) from None
        retry_after = json_values.seconds(answer.headers.get("Retry-After"))
        try:
            return read(query_answers.read_object(answer.status, repair(text), retry_after)), text
        except errors.GatewayError as error:
            error.http_status = answer.status
            error.body = text[:EVIDENCE_MAX]
            raise

    def _exchange(self, prepared: requests.PreparedRequest) -> tuple[HttpAnswer, str]:
        """The answer to `prepared`, and its text. Raises NoAnswer."""
        try:
            answer = self._transport.exchange(prepared)
        except NoAnswer as failure:
            self._tell(prepared, None, self._without_key(failure.why))
            raise
        text = self._text(answer)
        self._tell(prepared, answer.status, text)
        return answer, text

    def _tell(self, prepared: requests.PreparedRequest, status: int | None, text: str) -> None:
        if self._listener:
            path = str(prepared.url).removeprefix(self.base_url)
            self._listener(str(prepared.method), path, status, text)

    def _getting(self, path: str) -> requests.PreparedRequest:
        prepared = self._get.copy()
        prepared.url = self._address(path)
        return prepared

    def _posting(self, address: str, body: bytes) -> requests.PreparedRequest:
        """A POST to `address`: a copy, since preparing costs more than the rest of a call."""
        prepared = self._post.copy()
        prepared.url = address
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return prepared

    def _address(self, path: str) -> str:
        return self.base_url + path

    def _text(self, answer: HttpAnswer) -> str:
        return self._without_key(answer.content.decode("utf-8", "replace").removeprefix("\ufeff"))

    def _without_key(self, text: str) -> str:
        """`text` without NUL and the key, which an answer or an error may repeat."""
        if len(self._key) >= SHORTEST_KEY:
            text = text.replace(self._key, "[key]")
        return text.replace("\0", "\ufffd")


def _references(request: SendRequest) -> list[str]:
    references = [address.reference for message in request.messages for address in message.to]
    if "" in references or len(set(references)) != len(references):
        raise ValueError("each recipient of a request needs a reference of its own")
    return references


def _with_short_body(answer: SendAnswer) -> SendAnswer:
    return replace(answer, body=answer.body[:EVIDENCE_MAX])


def _uncharged_answer(answer: SendAnswer) -> SendAnswer:
    verdicts = {
        reference: verdict._replace(price=ZERO) if isinstance(verdict, Accepted) else verdict
        for reference, verdict in answer.verdicts.items()
    }
    return replace(answer, verdicts=verdicts, total_price=None)


def _uncharged_status(status: MessageStatus) -> MessageStatus:
    fallback = tuple(replace(sms, price=ZERO) for sms in status.fallback)
    return replace(status, price=ZERO, fallback=fallback)


def _uncharged_rows(content: StatisticsRows) -> StatisticsRows:
    return replace(content, rows=tuple(replace(row, price=ZERO) for row in content.rows))


@lru_cache(maxsize=CLIENTS_KEPT)
def _client(base_url: str, api_key: _Key, connections: int) -> Client:
    return Client(base_url, api_key, connections=connections)


def client_in_use() -> Client:
    """The client for the address and key in use; one a process for each, so its connections stay
    open. Raises GatewayKeyUnusable.
    """
    key = _usable_key()
    return _client(key.address, _Key(key.secret), settings.SEND_CONNECTIONS)


def new_client(
    connect_timeout: float, deadline: float, connections: int = 1, listener: Listener | None = None
) -> Client:
    """A client of its own for the address and key in use, with the options of `Client`.

    Raises GatewayKeyUnusable, and ValueError for a key that a header cannot carry.
    """
    key = _usable_key()
    return Client(
        key.address,
        key.secret,
        connect_timeout=connect_timeout,
        deadline=deadline,
        connections=connections,
        listener=listener,
    )


def _usable_key() -> GatewayKey:
    key = key_in_use()
    if key.problem:
        raise errors.GatewayKeyUnusable(key.problem)
    return key
