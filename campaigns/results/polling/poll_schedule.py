"""When a message is worth asking about: docs/results.md has the plan as a table, and what it costs
in calls.

Soon after the send, then ever less often; once more right after its validity, when the gateway
decides; and until a day after that, as SMS fallbacks settle and prices become final. Who has it
delivered is asked a few times more, for the read alone.
"""

from datetime import datetime, timedelta

FIRST_CHECK = timedelta(seconds=10)  # after the send
# the next look comes after so much of the message's age, at the most this
GROWTH, LONGEST = 0.6, timedelta(hours=4)
READ_GROWTH, READ_LONGEST = 3.0, timedelta(days=1)  # the same where only reads can still come
# in a batch where others are still on the way, each third look is at the delivered ones too
READ_ROUND = 3
DECIDED_AFTER = timedelta(minutes=1)  # after the validity
AFTER_VALIDITY = timedelta(days=1)  # SMS fallbacks settle after the validity, reads come late


def next_check(
    sent_at: datetime, now: datetime, validity: int, *, on_the_way: bool = True
) -> datetime | None:
    """When to ask next for messages of `validity` seconds sent at `sent_at`; None: never again.

    `on_the_way`: some of them are not delivered yet, nor given up.
    """
    age, end = now - sent_at, timedelta(seconds=validity)
    if age > end + AFTER_VALIDITY:
        return None
    growth, longest = (GROWTH, LONGEST) if on_the_way else (READ_GROWTH, READ_LONGEST)
    step = min(max(age * growth, FIRST_CHECK), longest)
    decided = sent_at + end + DECIDED_AFTER
    return decided if now < decided < now + step else now + step


def checks_for_reads(checks: int) -> bool:
    """Whether the look after `checks` earlier ones is at delivered messages too, where others are
    on the way.
    """
    return checks % READ_ROUND == READ_ROUND - 1
