"""When a message is worth asking about: soon after the send, then ever less often, until a day after its validity."""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=10)  # after the send
GROWTH = 0.6  # the next look comes after so much of the message's age
LONGEST = timedelta(hours=4)
AFTER_VALIDITY = timedelta(days=1)  # SMS fallbacks settle after the validity, reads come late


def next_check(sent_at: datetime, now: datetime, validity: int) -> datetime | None:
    """When to ask next for messages of `validity` seconds sent at `sent_at`; None: never again."""
    age = now - sent_at
    if age > timedelta(seconds=validity) + AFTER_VALIDITY:
        return None
    return now + min(max(age * GROWTH, FIRST), LONGEST)
