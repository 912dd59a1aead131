"""Where an action comes from: a request, a command, or the system itself.

Whoever begins something names its origin once: a middleware for requests, `RecordedCommand` for
commands. `record` reads it. A context variable does this without passing an argument through every
function between a view and the change. It belongs to the thread, so requests that are handled at
once don't see each other's; and new threads, like tasks of the queue, act as the system.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from campaigns.team.models import ActorKind


class Origin:
    """What an entry says of where an action comes from. As it stands: the system."""

    kind: ActorKind = ActorKind.SYSTEM  # of an action without a user

    def __init__(self) -> None:
        self.entries = 0  # recorded so far

    @property
    def name(self) -> str:
        """Who acts, where it is no user: the system's user and the command."""
        return ""

    @property
    def address(self) -> str:
        """The client's address."""
        return ""

    @property
    def session(self) -> str:
        """A mark of the session, from which nobody can tell its key."""
        return ""


_origin: ContextVar[Origin] = ContextVar("audit_origin")


def current() -> Origin:
    """The origin of what happens now."""
    return _origin.get(None) or Origin()


@contextmanager
def acting_from(origin: Origin) -> Iterator[None]:
    """Everything that is recorded meanwhile comes from `origin`."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
