"""Find the recipients because of whom the gateway refuses a whole request.

A gateway that finds fault with one recipient may refuse all 50 of the request, by HTTP 422 for
example. Nobody was sent to then, so the request is sent again in halves, and each half that is
refused again, until those are found whom it refuses by themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from campaigns.gateway.errors import NO_SUCH_FUNCTION, REFERENCE_EXISTS, Reaction, error_meaning
from campaigns.gateway.types import (
    Accepted,
    Address,
    Message,
    Refusal,
    SendAnswer,
    SendRequest,
    Unknown,
    Verdict,
)

# Requests without anybody accepted, until the fault is taken to be that of all. The first of 50
# recipients is found with six, two of them side by side with eight.
REQUESTS_WITHOUT_SUCCESS = 10
NOT_SENT_IN_TIME = Unknown("not sent: the time of the batch was over")
REFUSED_WITH_ALL = Unknown("refused with others, of whom some may have been accepted")


def send_in_parts(
    send: Callable[[SendRequest], SendAnswer],
    request: SendRequest,
    may_go_on: Callable[[], bool],
) -> SendAnswer:
    """Send `request`; if the gateway refuses it as a whole, send its parts.

    `may_go_on` says before each further request whether there is time for it. Whoever is not sent
    to then is Unknown, and asked for before another try. Where nobody was accepted the fault is not
    that of single recipients, and the answer is that to the whole request; unless the answer to a
    part was lost, then all are Unknown.
    """
    answer = send(request)
    if not _may_be_split(answer, request):
        return answer
    verdicts: dict[str, Verdict] = dict(answer.verdicts)
    parts, requests, is_throttled = list(_halves(request)), 1, False
    has_success = is_unknown = False
    while parts and not is_throttled and may_go_on():
        if requests >= REQUESTS_WITHOUT_SUCCESS and not has_success:
            break
        part = parts.pop(0)
        answer_to_part = send(part)
        requests += 1
        verdicts |= answer_to_part.verdicts
        is_throttled = answer_to_part.throttled
        has_success = has_success or any(map(_proves_success, answer_to_part.verdicts.values()))
        is_unknown = is_unknown or any(
            isinstance(verdict, Unknown) for verdict in answer_to_part.verdicts.values()
        )
        if _may_be_split(answer_to_part, part):
            parts[:0] = _halves(part)
    if has_success:
        verdicts |= dict.fromkeys(_references(parts), NOT_SENT_IN_TIME)
    elif is_unknown:  # some may have been accepted: all are asked for
        verdicts = dict.fromkeys(verdicts, REFUSED_WITH_ALL)
    else:
        return replace(answer, throttled=is_throttled)
    return replace(answer, verdicts=verdicts, refused_whole=None, throttled=is_throttled)


def _proves_success(verdict: Verdict) -> bool:
    """Whether the gateway took a message, now or before: then it understands the requests."""
    is_known = isinstance(verdict, Refusal) and verdict.code == REFERENCE_EXISTS
    return is_known or isinstance(verdict, Accepted)


def _may_be_split(answer: SendAnswer, request: SendRequest) -> bool:
    """Whether one recipient of several may be the reason of a refusal of all."""
    refusal = answer.refused_whole
    return (
        refusal is not None
        and refusal.code != NO_SUCH_FUNCTION
        and error_meaning(refusal.code).reaction in (Reaction.DEFECT, Reaction.REFUSE_RECIPIENT)
        and sum(len(message.to) for message in request.messages) > 1
    )


def _halves(request: SendRequest) -> Iterator[SendRequest]:
    addresses = [
        (position, address)
        for position, message in enumerate(request.messages)
        for address in message.to
    ]
    middle = len(addresses) // 2
    for half in (addresses[:middle], addresses[middle:]):
        yield replace(request, messages=tuple(_messages(request, half)))


def _messages(request: SendRequest, addresses: list[tuple[int, Address]]) -> Iterator[Message]:
    for position, message in enumerate(request.messages):
        to = tuple(address for number, address in addresses if number == position)
        if to:
            yield replace(message, to=to)


def _references(parts: list[SendRequest]) -> Iterator[str]:
    return (
        address.reference for part in parts for message in part.messages for address in message.to
    )
