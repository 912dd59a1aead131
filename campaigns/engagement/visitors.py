"""Who opened a link: a person or a program, and on what kind of device.

Nothing that identifies anybody is kept. An address is hashed with a key of this process alone, and
forgotten after seconds.
"""

import hashlib
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

import crawleruseragents

from campaigns.engagement.models import Device, System

AGENT_MAX = 300  # characters of a User-Agent that are looked at
EARLY = timedelta(seconds=1)  # after the send, when nobody has read the message yet
# More recipients than share an address of a mobile network at a time
RECIPIENTS_MAX, WITHIN = 20, timedelta(seconds=10)
ADDRESSES_MAX = 10_000

_SALT = secrets.token_bytes(16)
# the first that fits: what iPads and Android phones call themselves has the names of others in it
_SYSTEMS = (
    ("iPhone", System.IOS), ("iPad", System.IOS), ("iPod", System.IOS),
    ("Android", System.ANDROID), ("Windows", System.WINDOWS), ("Macintosh", System.MACOS),
    ("Linux", System.LINUX), ("CrOS", System.LINUX),
)  # fmt: skip


def hashed(address: str) -> bytes:
    """What stands for a client's address in the memory of this process."""
    return hashlib.blake2b(address.encode(), key=_SALT, digest_size=8).digest()


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Whether a User-Agent is that of a known bot or link preview, or none at all."""
    return not user_agent or crawleruseragents.is_crawler(user_agent)


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> tuple[Device, System]:
    """The kind of device and its system, as far as a User-Agent tells."""
    system = next((system for name, system in _SYSTEMS if name in user_agent), System.UNKNOWN)
    if "iPad" in user_agent or "Tablet" in user_agent:
        return Device.TABLET, system
    if system == System.ANDROID:
        return (Device.PHONE if "Mobile" in user_agent else Device.TABLET), system
    if system == System.IOS:
        return Device.PHONE, system
    return (Device.DESKTOP if system else Device.UNKNOWN), system


class Addresses:
    """Whose links an address opened within the last seconds."""

    def __init__(self) -> None:
        # by address: the recipients, the last one last, each with when
        self._opened: OrderedDict[bytes, OrderedDict[int, datetime]] = OrderedDict()
        self._lock = Lock()

    def opens_many(self, address: bytes, recipient_id: int, at: datetime) -> bool:
        """Note that `address` opened a link of the recipient at this moment. Returns whether it
        opened those of so many that no person does.
        """
        with self._lock:
            return self._opens_many(address, recipient_id, at)

    def _opens_many(self, address: bytes, recipient_id: int, at: datetime) -> bool:
        opened = self._opened.setdefault(address, OrderedDict())
        self._opened.move_to_end(address)
        if len(self._opened) > ADDRESSES_MAX:
            self._opened.popitem(last=False)
        opened.pop(recipient_id, None)
        opened[recipient_id] = at
        while len(opened) > RECIPIENTS_MAX + 1 or next(iter(opened.values())) < at - WITHIN:
            opened.popitem(last=False)
        return len(opened) > RECIPIENTS_MAX
