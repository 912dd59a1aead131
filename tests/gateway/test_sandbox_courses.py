"""What happens to messages in the sandbox, what they cost, and that a restart changes neither."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from campaigns.gateway.sandbox import Sandbox, courses, prices
from campaigns.gateway.sandbox.parts import sms_parts
from campaigns.gateway.types import Address, Message, MessageStatus, SmsFallback
from tests.gateway.requests_made import text_request
from tests.sandbox_fixture import RunningSandbox

TWO_PARTS = SmsFallback("My Company", "x" * 161)
UA_SMS = Decimal("0.0634500") * 2  # Kyivstar's price, two parts
UA_VIBER = Decimal("0.0230000")


def message(*recipients: tuple[str, str], sms: SmsFallback | None = TWO_PARTS) -> Message:
    return replace(text_request(*recipients).messages[0], sms=sms)


def send(
    sandbox: RunningSandbox, *recipients: tuple[str, str], sms: SmsFallback | None = TWO_PARTS
) -> None:
    request = replace(text_request(), messages=(message(*recipients, sms=sms),))
    assert sandbox.client().send(request).refused_whole is None


def status(sandbox: RunningSandbox, reference: str) -> MessageStatus:
    current = sandbox.client().status_by_reference(reference)
    assert current
    return current


@pytest.mark.parametrize(
    ("ending", "last", "viber", "sms"),
    [
        ("9001", "delivered", UA_VIBER, None),
        ("9002", "read", UA_VIBER, None),
        ("9003", "not_viber_user", 0, "delivered"),
        ("9004", "not_viber_user", 0, "undeliverable"),
        ("9005", "expired", 0, "delivered"),
        ("9006", "undeliverable", 0, "delivered"),
        ("9007", "rejected", 0, None),
        ("9008", "failed", 0, None),
        ("9009", "expired", 0, "delivered"),
        ("9010", "teleported", UA_VIBER, None),
        ("9011", "deleted", 0, None),
        ("9012", "delivered", Decimal("0.0115"), None),
    ],
)
def test_the_last_digits_of_a_phone_force_a_result(
    sandbox: RunningSandbox, ending: str, last: str, viber: Any, sms: str | None
) -> None:
    send(sandbox, (f"38097292{ending}", "a"))
    sandbox.settle()
    current = status(sandbox, "a")
    assert (current.status, current.price) == (last, viber)
    assert [
        (sms_status.channel, sms_status.status, sms_status.price) for sms_status in current.fallback
    ] == ([("sms", sms, UA_SMS)] if sms else [])
    assert current.time_sent
    assert current.time_dr
    spent = {"viber": Decimal(viber), "sms": UA_SMS if sms else Decimal(0)}
    billed = sandbox.bill()["spend"]["EUR"]
    assert {channel: Decimal(billed[channel]) for channel in spent} == spent
    assert Decimal(billed["total"]) == sum(spent.values())


def test_a_message_without_sms_fallback_fails(sandbox: RunningSandbox) -> None:
    send(sandbox, ("380972929003", "a"), sms=None)
    sandbox.settle()
    assert (status(sandbox, "a").status, status(sandbox, "a").fallback) == ("not_viber_user", ())
    assert sandbox.bill()["spend"] == {"EUR": {"viber": "0", "sms": "0", "total": "0"}}


def test_a_message_progresses_step_by_step(sandbox: RunningSandbox) -> None:
    send(sandbox, ("380972929002", "a"))
    course = courses.course_of("380972929002", 1, 86_400)
    statuses = [status(sandbox, "a").status]
    assert course.read is not None
    for step in (course.sent, course.ended - course.sent, course.read - course.ended):
        sandbox.advance(step)
        statuses.append(status(sandbox, "a").status)
    assert statuses == ["new", "sent", "delivered", "read"]


def test_a_short_validity_period_expires_sooner() -> None:
    assert courses.course_of("380972929005", 1, 86_400).ended == 45
    assert courses.course_of("380972929005", 1, 15).ended == 15
    assert courses.course_of("380972929009", 1, 86_400).ended == 86_400


def test_results_have_their_shares_and_depend_only_on_phone_and_seed() -> None:
    phones = [f"38067{k:07d}" for k in range(9000)]
    first = [courses.course_of(phone, 1, 86_400) for phone in phones]
    assert first == [courses.course_of(phone, 1, 86_400) for phone in phones]
    assert first != [courses.course_of(phone, 2, 86_400) for phone in phones]
    counts = Counter(course.outcome for course in first)
    assert {outcome: round(count / 90) for outcome, count in counts.items()} == pytest.approx(
        {"read": 62, "delivered": 23, "not_viber_user": 10, "expired": 4, "undeliverable": 1}, abs=2
    )


def test_the_bill_is_the_sum_of_the_statuses(sandbox: RunningSandbox) -> None:
    recipients = [
        (f"{prefix}67{k:06d}", f"{prefix}x{k}")
        for prefix in ("380", "40", "359", "1")
        for k in range(100)
    ]
    for start in range(0, 400, 50):
        send(sandbox, *recipients[start : start + 50])
    sandbox.advance(6)
    # those at their ends are summed up here, once
    assert sum(sandbox.bill()["statuses"].values()) == 400
    sandbox.settle()
    bill = sandbox.bill()
    client = sandbox.client()
    statuses = [
        answer
        for answer in (client.status_by_reference(reference) for _phone, reference in recipients)
        if answer
    ]
    assert bill["statuses"] == Counter(answer.status for answer in statuses)
    viber = sum((answer.price or Decimal(0) for answer in statuses), Decimal(0))
    sms = sum(
        (route.price or Decimal(0) for answer in statuses for route in answer.fallback), Decimal(0)
    )
    billed = {channel: Decimal(amount) for channel, amount in bill["spend"]["EUR"].items()}
    assert billed == {"viber": viber, "sms": sms, "total": viber + sms}
    assert sms > 0


def test_the_bill_of_one_sender_and_phones_with_several_messages(sandbox: RunningSandbox) -> None:
    send(sandbox, ("380972920001", "a"), ("380972920002", "b"))
    send(sandbox, ("380972920002", "c"))
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"], bill["doubled_phones"]) == (3, 2, 1)
    assert sandbox.bill(sender="My Company")["doubled_phones"] == 1
    assert sandbox.bill(sender="Nobody")["messages"] == 0


def test_prices_by_country_network_and_tariff() -> None:
    assert prices.viber_price("380501234567", 0) == Decimal("0.0230000")
    assert prices.viber_price("40721000000", 1) == Decimal("0.0360940")
    assert prices.viber_price("12025550123", 2) == Decimal("0.0763001")
    assert prices.sms_price("380501234567", 0) == Decimal("0.0598001")
    assert prices.sms_price("380671234567", 0) == Decimal("0.0634500")
    assert prices.sms_price("380441234567", 0) == Decimal("0.0612345")
    assert prices.country_of("99512345678").code == "GE"
    assert prices.country_of("12025550123").name == "Other countries"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("x" * 765, 5),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("x" * 152 + "€" + "x" * 152, 3),
        ("ї" * 70, 1),
        ("ї" * 71, 2),
        ("ї" * 134, 2),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
        ("🎉" * 67, 3),
    ],
)
def test_sms_parts(text: str, parts: int) -> None:
    assert sms_parts(text) == parts


def test_a_restart_restores_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "var" / "journal"
    first = Sandbox(journal=journal)
    first.start()
    running = RunningSandbox(first)
    send(running, ("380972929001", "a"), ("380972929003", "b"))
    running.advance(3600)
    send(running, ("40721000000", "c"), sms=None)
    before = (running.messages(), running.bill())
    running.close()
    with journal.open("ab") as file:
        file.write(b'{"at": 17, "tar')  # a write that a kill cut short

    second = Sandbox(journal=journal)
    second.start()
    running = RunningSandbox(second)
    after = (running.messages(), running.bill())
    assert after[0] == before[0]
    assert {**after[1], "refused": {}} == before[1]
    assert running.client().send(text_request(("380972929001", "a"))).verdicts["a"].code == 43  # type: ignore[union-attr]
    send(running, ("40721000001", "d"))
    running.close()

    third = Sandbox(journal=journal)
    assert [sent.reference for sent in third.account.messages] == ["a", "b", "c", "d"]
    third.close()


def test_reset_empties_the_journal(tmp_path: Path) -> None:
    first = Sandbox(journal=tmp_path / "journal")
    first.start()
    running = RunningSandbox(first)
    send(running, ("380972929001", "a"))
    running.reset()
    send(running, ("380972929001", "b"))
    running.close()
    second = Sandbox(journal=tmp_path / "journal")
    assert [sent.reference for sent in second.account.messages] == ["b"]
    second.close()


def test_old_texts_are_dropped_and_prices_are_not(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.gateway.sandbox.account.TEXTS_KEPT", 12)
    for reference in "abc":
        send(sandbox, ("380972929003", reference))
    assert [shown["text"] for shown in sandbox.messages()] == ["Hello", "Hello", ""]
    sandbox.settle()
    assert Decimal(sandbox.bill()["spend"]["EUR"]["sms"]) == 3 * UA_SMS


def test_pace_makes_messages_progress_faster() -> None:
    sandbox = Sandbox(pace=1_000_000)
    sandbox.start()
    running = RunningSandbox(sandbox)
    send(running, ("380972929002", "a"))
    assert status(running, "a").status == "read"
    running.close()


def test_one_request_may_have_messages_of_several_prices(sandbox: RunningSandbox) -> None:
    request = replace(
        text_request(),
        messages=(
            message(("380972920001", "a")),
            Message((Address("40721000000", "b"),), "Two", "Other", promotional=True),
        ),
    )
    assert sandbox.client().send(request).total_price == Decimal("0.0642503")
