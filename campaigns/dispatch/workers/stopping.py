"""Whether the queue of this machine is to end: then its processes begin nothing more.

One byte of memory that all its processes share, without a lock: one that is killed could keep it.
"""

from multiprocessing.sharedctypes import RawValue

_requested = RawValue("b", 0)  # the processes of the queue are forked after it is made


def request() -> None:
    _requested.value = 1


def withdraw() -> None:
    """The next queue of this process begins anew; for tests."""
    _requested.value = 0


def is_requested() -> bool:
    return bool(_requested.value)
