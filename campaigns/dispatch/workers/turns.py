"""The keys in use take turns: which task sends or asks with which of them."""

from campaigns.dispatch.workers.slots import Turn
from campaigns.gateway.key_in_use import GatewayKey
from campaigns.shared.queue import enqueue
from campaigns.team.brand_keys.in_use import keys_in_use


def turns(first: int = 0) -> list[tuple[Turn, GatewayKey]]:
    """The keys in use with their turns, beginning after the key of the owner `first`."""
    keys = keys_in_use()
    placed = [(Turn(place, len(keys)), key) for place, key in enumerate(keys)]
    begin = next((turn.place + 1 for turn, key in placed if key.owner == first), 0)
    return placed[begin:] + placed[:begin]


def find_key(owner: int) -> tuple[GatewayKey, Turn] | None:
    """The key that a task names and its turn; None if it is in use no more."""
    return next(((key, turn) for turn, key in turns() if key.owner == owner), None)


def enqueue_for(owner: int, task: str) -> None:
    """Have a worker call `task` with the key of `owner`; that of the environment is not named."""
    enqueue(task, *([owner] if owner else []))
