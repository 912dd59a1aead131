"""When to ask for the status of a message (docs/results.md, "The plan", with its cost in calls).

Soon after the send, then less and less often; once right after the validity period, when the
gateway decides; and until a day after that, while SMS fallbacks settle and prices become final.
A delivered message is asked for a few times more, in case it is read.
"""

from datetime import datetime, timedelta

FIRST_CHECK = timedelta(seconds=10)  # after the send
# the next check comes after this share of the message's age, and after LONGEST_STEP at latest
GROWTH, LONGEST = 0.6, timedelta(hours=4)
READ_GROWTH, READ_LONGEST = 3.0, timedelta(days=1)  # the same if only reads can still come
# while others of a batch are on the way, each third check asks for its delivered messages too
READ_ROUND = 3
DECIDED_AFTER = timedelta(minutes=1)  # after the validity period
AFTER_VALIDITY = timedelta(days=1)  # of the last check: SMS fallbacks settle, reads come late


def next_check(
    sent_at: datetime, now: datetime, validity: int, *, on_the_way: bool = True
) -> datetime | None:
    """When to ask next for messages sent at `sent_at`; None: not again.

    `validity` is in seconds. `on_the_way`: some are neither delivered nor in a final status.
    """
    age, end = now - sent_at, timedelta(seconds=validity)
    if age > end + AFTER_VALIDITY:
        return None
    growth, longest = (GROWTH, LONGEST) if on_the_way else (READ_GROWTH, READ_LONGEST)
    step = min(max(age * growth, FIRST_CHECK), longest)
    decided = sent_at + end + DECIDED_AFTER
    return decided if now < decided < now + step else now + step


def checks_for_reads(checks: int) -> bool:
    """Whether the check after `checks` earlier ones asks for delivered messages too.

    Only if other messages of the batch are on the way; else it does so in any case.
    """
    return checks % READ_ROUND == READ_ROUND - 1
