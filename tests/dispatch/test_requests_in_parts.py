"""A request that is refused as a whole is sent again in halves, until those are found because of
whom it was.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.dispatch.send.split_request import (
    NOT_SENT_IN_TIME,
    REFUSED_WITH_ALL,
    REQUESTS_WITHOUT_SUCCESS,
    send_in_parts,
)
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

TAKEN, LOST = Accepted("id1", Decimal("0.02"), "EUR"), Unknown("time-out")
PAUSES, SAYS_NOTHING, TOO_FAST, NO_SUCH_PHONE, EXISTS, BY_MISTAKE, NO_FUNCTION = (
    Refusal(code, "Why") for code in (1, 5, 11, 41, 43, 21, 4)
)


def request(people: int, messages: int = 1) -> SendRequest:
    """People "0", "1" … spread over some messages in order."""
    size = people // messages
    return SendRequest(
        tuple(
            Message(
                to=tuple(
                    Address(f"3809700000{number:02}", str(number))
                    for number in range(first, first + size)
                ),
                text=f"Text {first}", sender="Shop", promotional=False,
            )
            for first in range(0, people, size)
        ),
        60, 0,
    )  # fmt: skip


class Gateway:
    """Refuses whole requests with `guilty` people in them; `lost` requests have no answer."""

    def __init__(
        self, guilty: set[str], refusal: Refusal = BY_MISTAKE, single: Verdict = TAKEN
    ) -> None:
        self.guilty, self.refusal, self.single = guilty, refusal, single
        self.asked: list[list[str]] = []
        self.texts: list[tuple[str, ...]] = []

    def send(self, sent: SendRequest) -> SendAnswer:
        people = [address.reference for message in sent.messages for address in message.to]
        self.asked.append(people)
        self.texts.append(tuple(message.text for message in sent.messages))
        if self.guilty & set(people):
            return SendAnswer(
                dict.fromkeys(people, self.refusal), refused_whole=self.refusal, http_status=422
            )
        return SendAnswer(dict.fromkeys(people, self.single))


def always() -> bool:
    return True


def times(count: int) -> Callable[[], bool]:
    """True so many times."""
    left = iter([True] * count)
    return lambda: next(left, False)


def test_the_guilty_are_found_in_halves() -> None:
    gateway = Gateway({"2"})
    result = send_in_parts(gateway.send, request(5), always)
    assert gateway.asked == [
        ["0", "1", "2", "3", "4"],
        ["0", "1"],
        ["2", "3", "4"],
        ["2"],
        ["3", "4"],
    ]
    assert result.verdicts == {"0": TAKEN, "1": TAKEN, "2": BY_MISTAKE, "3": TAKEN, "4": TAKEN}
    assert (result.refused_whole, result.throttled, result.http_status) == (None, False, 422)


def test_parts_keep_their_messages() -> None:
    gateway = Gateway({"0"})
    send_in_parts(gateway.send, request(6, messages=3), always)
    assert list(zip(gateway.asked, gateway.texts, strict=True)) == [
        (["0", "1", "2", "3", "4", "5"], ("Text 0", "Text 2", "Text 4")),
        (["0", "1", "2"], ("Text 0", "Text 2")),
        (["0"], ("Text 0",)),
        (["1", "2"], ("Text 0", "Text 2")),
        (["3", "4", "5"], ("Text 2", "Text 4")),
    ]


@pytest.mark.parametrize("refusal", [NO_FUNCTION, PAUSES, SAYS_NOTHING, TOO_FAST, EXISTS])
def test_request_that_is_nobodys_fault_is_not_split(refusal: Refusal) -> None:
    gateway = Gateway({"0"}, refusal)
    result = send_in_parts(gateway.send, request(2), always)
    assert (len(gateway.asked), result.refused_whole) == (1, refusal)


def test_one_recipient_is_not_split() -> None:
    gateway = Gateway({"0"})
    assert send_in_parts(gateway.send, request(1), always).refused_whole == BY_MISTAKE
    assert gateway.asked == [["0"]]
    fine = Gateway(set())
    assert send_in_parts(fine.send, request(2), always).verdicts == {"0": TAKEN, "1": TAKEN}
    assert len(fine.asked) == 1


def test_refusal_of_one_number_is_looked_for_too() -> None:
    result = send_in_parts(Gateway({"1"}, NO_SUCH_PHONE).send, request(2), always)
    assert result.verdicts == {"0": TAKEN, "1": NO_SUCH_PHONE}


def test_fault_of_all_ends_after_ten_requests() -> None:
    gateway = Gateway({str(number) for number in range(50)})
    result = send_in_parts(gateway.send, request(50), always)
    assert len(gateway.asked) == REQUESTS_WITHOUT_SUCCESS == 10
    assert result.refused_whole == BY_MISTAKE
    assert set(result.verdicts.values()) == {BY_MISTAKE}


def test_success_before_lets_the_search_go_on() -> None:
    """A reference that exists shows as well as an acceptance that requests are understood."""
    for single in (TAKEN, EXISTS):
        gateway = Gateway({str(number) for number in range(10, 50)}, single=single)
        result = send_in_parts(gateway.send, request(50), always)
        assert len(gateway.asked) > REQUESTS_WITHOUT_SUCCESS
        assert [result.verdicts[str(number)] for number in (0, 9, 10, 49)] == [
            single, single, BY_MISTAKE, BY_MISTAKE
        ]  # fmt: skip
        assert result.refused_whole is None


def test_time_is_over_before_all_parts_are_sent() -> None:
    gateway = Gateway({"0"})
    result = send_in_parts(gateway.send, request(4), times(3))
    assert gateway.asked == [["0", "1", "2", "3"], ["0", "1"], ["0"], ["1"]]
    assert result.verdicts == {
        "0": BY_MISTAKE, "1": TAKEN, "2": NOT_SENT_IN_TIME, "3": NOT_SENT_IN_TIME
    }  # fmt: skip
    early = send_in_parts(Gateway({"0"}).send, request(4), times(1))
    assert early.refused_whole == BY_MISTAKE
    assert set(early.verdicts.values()) == {BY_MISTAKE}


def test_lost_answer_to_a_part_leaves_everybody_to_be_asked_for() -> None:
    gateway = Gateway({"0"}, single=LOST)
    result = send_in_parts(gateway.send, request(3), always)
    assert result.verdicts == dict.fromkeys("012", REFUSED_WITH_ALL)
    assert result.refused_whole is None


@pytest.mark.parametrize("is_taken", [True, False])
def test_throttled_part_ends_the_search(is_taken: bool) -> None:
    gateway = Gateway({"0"})

    def send(sent: SendRequest) -> SendAnswer:
        given = gateway.send(sent)
        if len(gateway.asked) != 2:
            return given
        return SendAnswer({"0": BY_MISTAKE, "1": TAKEN if is_taken else TOO_FAST}, throttled=True)

    result = send_in_parts(send, request(4), always)
    assert (len(gateway.asked), result.throttled) == (2, True)
    if is_taken:
        assert result.verdicts["1"] == TAKEN
        assert result.verdicts["2"] == result.verdicts["3"] == NOT_SENT_IN_TIME
    else:
        assert result.refused_whole == BY_MISTAKE
        assert set(result.verdicts.values()) == {BY_MISTAKE}
