"""Fetches the content of an address that a user typed, with limits of size and time."""

import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.shared.web.errors import FetchError, time_is_up
from campaigns.shared.web.exchange import Answer, Target, exchange, read_address

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CHUNK = 1 << 16  # bytes
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds`: of all requests with all redirects. `size`: bytes, as sent and when unpacked."""

    seconds: float
    size: int


class Fetched:
    """An answer with status 200, or 304 where the request had a condition.

    `headers` are without regard to capitals. `chunks()` may be read once, within the block.
    """

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._answer = answer
        self._limits = limits

    def chunks(self) -> Iterator[bytes]:
        """The content, unpacked. Raises FetchError, also once it is larger than the limit."""
        sent = self._limited(self._answer.chunks(CHUNK))
        return self._limited(_unpacked(sent, self.headers.get("content-encoding", "")))

    def _limited(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self._limits.size:
                raise _too_large(self._limits)
            yield chunk


def _unpacked(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks without their content encoding, in parts of at most CHUNK bytes: a few bytes of
    gzip may stand for gigabytes.
    """
    if encoding.strip().lower() in ("", "identity"):
        yield from chunks
        return
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise FetchError(_("The server sends the file in a form that was not requested."))
    unpacker = _unpacker()
    try:
        for packed in chunks:
            rest = packed
            while rest:
                if unpacker.eof:
                    unpacker = _unpacker()  # gzip may have several parts
                yield unpacker.decompress(rest, CHUNK)
                rest = unpacker.unconsumed_tail or unpacker.unused_data
        while left := unpacker.decompress(b"", CHUNK):
            yield left
    except zlib.error:
        raise _incomplete() from None
    if not unpacker.eof:
        raise _incomplete()


def _unpacker() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


@contextmanager
def fetch(
    address: str, limits: Limits, headers: Mapping[str, str] | None = None
) -> Iterator[Fetched]:
    """Request `address` with GET and give the answer.

    Follows up to MAX_REDIRECTS redirects; each address is checked like the first. `headers`: such
    as If-None-Match. Raises FetchError.
    """
    deadline = time.monotonic() + limits.seconds
    target = read_address(urldefrag(address).url)
    asked = {"Accept-Encoding": "gzip", **(headers or {})}
    for _number in range(MAX_REDIRECTS + 1):
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise time_is_up()
        with exchange(target, seconds, headers=asked) as answer:
            if answer.status not in REDIRECTS:
                _check(answer, limits)
                yield Fetched(answer, limits)
                return
            location = answer.headers.get("location", "")
        target = _next_target(target, location)
    raise FetchError(
        ngettext(
            "The address redirects more than %(count)d time.",
            "The address redirects more than %(count)d times.",
            MAX_REDIRECTS,
        )
        % {"count": MAX_REDIRECTS}
    )


def _next_target(target: Target, location: str) -> Target:
    """Where a redirect leads. Raises FetchError, also if it leads from https to http."""
    base = f"{target.scheme}://{target.origin}{target.path}"
    following = read_address(urldefrag(urljoin(base, location)).url)
    if (target.scheme, following.scheme) == ("https", "http"):
        raise FetchError(_("The address redirects from https to http."))
    return following


def _check(answer: Answer, limits: Limits) -> None:
    """Raise FetchError for an answer without the content, or with more than the limit."""
    if answer.status in (401, 403):
        raise FetchError(
            _(
                "The server refuses access (%(status)d). Share the file with everybody who has the"
                " link."
            )
            % {"status": answer.status}
        )
    if answer.status in (404, 410):
        raise FetchError(
            _("There is no file at this address (%(status)d).") % {"status": answer.status}
        )
    if answer.status not in (200, NOT_MODIFIED):
        raise FetchError(
            _("The server %(host)s answers with an error (%(status)d).")
            % {"host": answer.target.host, "status": answer.status}
        )
    length = answer.headers.get("content-length", "")
    if length.isdecimal() and length.isascii() and len(length) < 20 and int(length) > limits.size:
        raise _too_large(limits)


def _too_large(limits: Limits) -> FetchError:
    return FetchError(_("The file is larger than %(limit)d MB.") % {"limit": limits.size >> 20})


def _incomplete() -> FetchError:
    return FetchError(_("The file did not arrive completely."))
