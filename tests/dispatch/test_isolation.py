"""A gateway that finds fault with one recipient, or with everybody by mistake: the one is refused,
the others go out, and nobody is refused because of a wrong address or key.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import AccountRate, Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.interpret_answer import ENTRY_TRIES, interpret
from campaigns.dispatch.send.leases import LEASE
from campaigns.dispatch.send.sender import PARTS_UNTIL, STALE_AFTER, BatchSender
from campaigns.dispatch.send.split_request import REQUESTS_WITHOUT_SUCCESS
from campaigns.gateway.bsg.client import DEADLINE
from campaigns.gateway.types import Accepted, Refusal, SendAnswer, Unknown, Verdict
from campaigns.ledger.sums import spend_of
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences
from tests.dispatch import asking, factory
from tests.scripted_gateway import Reply, ScriptedGateway

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
UNPROCESSABLE: Reply = (422, {"code": 422, "message": "Validation failed", "errors": {}})


def send(gateway: ScriptedGateway) -> None:
    BatchSender(gateway.client, 4, timezone.now() + MINUTE).run()
    asking.resolve(gateway.client, 4)


def counts(campaign: Campaign) -> tuple[int, int, int]:
    result = campaign_status.counts(campaign)
    return result.accepted, sum(result.refused.values()), result.queued


def refuse_requests_with(
    gateway: ScriptedGateway, phones: set[str], reply: Reply
) -> Callable[[list[dict[str, str]]], Reply]:
    def on_send(to: list[dict[str, str]]) -> Reply:
        if phones & {address["msisdn"] for address in to}:
            return reply
        return gateway.accept(to)

    return on_send


def test_request_in_parts_ends_before_its_lease() -> None:
    deadline = timedelta(seconds=DEADLINE)
    assert STALE_AFTER + deadline < LEASE
    assert PARTS_UNTIL + deadline < LEASE


@pytest.mark.parametrize("position", [0, 1, 24, 25, 49])
@pytest.mark.parametrize("status", [400, 422])
def test_recipient_who_makes_a_request_fail_is_found(
    gateway: ScriptedGateway, position: int, status: int
) -> None:
    campaign = factory.launched(150)
    batch = Batch.objects.order_by("number")[1]
    recipients = Recipient.objects.filter(batch_number=batch.number).order_by("pk")
    phone = recipients[position].msisdn
    gateway.on_send = refuse_requests_with(gateway, {phone}, (status, UNPROCESSABLE[1]))
    send(gateway)
    assert counts(campaign) == (149, 1, 0)
    assert Recipient.objects.get(send_state=SendState.REFUSED).msisdn == phone
    assert len(gateway.accepted) == len(set(gateway.accepted.values())) == 149
    assert spend_of(campaign.pk) == {"EUR": {"viber": Decimal("7.45")}}
    assert not AccountRate.objects.filter(window_at__isnull=False).exists()
    assert not account_rate.is_down()
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


def test_several_recipients_who_make_a_request_fail_are_found(gateway: ScriptedGateway) -> None:
    campaign = factory.launched(150)
    phones = set(
        Recipient.objects.filter(batch_number=1)
        .order_by("pk")
        .values_list("msisdn", flat=True)[::7]
    )
    gateway.on_send = refuse_requests_with(gateway, phones, UNPROCESSABLE)
    send(gateway)
    assert counts(campaign) == (150 - len(phones), len(phones), 0)
    refused = Recipient.objects.filter(send_state=SendState.REFUSED)
    assert set(refused.values_list("msisdn", flat=True)) == phones


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (UNPROCESSABLE, "error_7"),
        ((404, {"code": 404, "message": "Not found"}), "error_4"),
        ((200, {"error": 4, "errorDescription": "No such function"}), "error_4"),
        ((200, {"error": 44, "errorDescription": "Invalid payload"}), "error_44"),
        ((200, {"error": 999, "errorDescription": "?"}), "error_999"),
        ((401, {"code": 401, "message": "Unauthorized"}), "error_1"),
    ],
    ids=["422", "404", "4", "44", "999", "401"],
)
def test_campaign_that_everybody_is_refused_of_pauses_and_loses_nobody(
    gateway: ScriptedGateway, reply: Reply, reason: str
) -> None:
    campaign = factory.launched(1500)
    gateway.on_send = lambda _to: reply
    send(gateway)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, reason)
    assert counts(campaign) == (0, 0, 1500)
    assert len(gateway.sends) <= 12 * REQUESTS_WITHOUT_SUCCESS
    gateway.on_send = gateway.accept
    factory.an_hour_later()
    lifecycle.resume(campaign.pk, None)
    send(gateway)
    assert counts(campaign) == (1500, 0, 0)
    assert len(gateway.accepted) == 1500


def test_part_whose_answer_was_lost_is_asked_for_before_anybody_is_sent_to_again(
    gateway: ScriptedGateway,
) -> None:
    """The gateway took the first half and said nothing; it refuses all other requests."""
    campaign = factory.launched(150)
    Batch.objects.exclude(number=1).update(state=BatchState.DONE)

    def on_send(to: list[dict[str, str]]) -> Reply:
        if len(gateway.sends) != 2:
            return UNPROCESSABLE
        gateway.accept(to)
        return 503, b"Service Unavailable"

    gateway.on_send = on_send
    BatchSender(gateway.client, 4, timezone.now() + MINUTE).run()
    assert Batch.objects.get(number=1).state == BatchState.AMBIGUOUS
    asking.resolve(gateway.client, 4)
    assert counts(campaign) == (25, 0, 125)
    assert len(gateway.accepted) == 25


def test_reference_known_before_is_kept_where_a_request_is_split(gateway: ScriptedGateway) -> None:
    """Both are refused together; then one as known before, and the other by itself."""
    factory.launched(6)  # batches of two
    Batch.objects.exclude(number=1).update(state=BatchState.DONE)
    known, other = Recipient.objects.filter(batch_number=1).order_by("pk")

    def on_send(to: list[dict[str, str]]) -> Reply:
        if [address["msisdn"] for address in to] == [known.msisdn]:
            return 200, {"result": [gateway.entry(to[0], 43)]}
        return UNPROCESSABLE

    gateway.on_send = on_send
    send(gateway)
    rows = Recipient.objects.filter(batch_number=1).order_by("pk")
    assert list(rows.values_list("send_state", "error_code")) == [("queued", 43), ("refused", 7)]
    assert other.msisdn in {phone for phones in gateway.sends for phone in phones}


def test_entries_refused_for_everybody_by_a_defect_refuse_nobody(gateway: ScriptedGateway) -> None:
    campaign = factory.launched(100)
    gateway.on_send = lambda to: (200, {"result": [gateway.entry(address, 7) for address in to]})
    send(gateway)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "error_7")
    assert counts(campaign) == (0, 0, 100)


def test_phone_that_always_gets_error_5_is_refused_and_slows_nobody(
    gateway: ScriptedGateway,
) -> None:
    campaign = factory.launched(100)
    phone = Recipient.objects.order_by("pk")[7].msisdn

    def on_send(to: list[dict[str, str]]) -> Reply:
        return 200, {
            "currency": "EUR",
            "result": [
                gateway.entry(address, 5 if address["msisdn"] == phone else 0) for address in to
            ],
        }

    gateway.on_send = on_send
    tries = 0
    while Batch.objects.exclude(state=BatchState.DONE).exists():
        send(gateway)
        tries += 1
        assert not account_rate.is_down()
        factory.an_hour_later()
        asking.resolve(gateway.client, 4)
    assert tries == ENTRY_TRIES
    assert sum(phone in phones for phones in gateway.sends) == ENTRY_TRIES
    assert counts(campaign) == (99, 1, 0)
    refused = Recipient.objects.get(send_state=SendState.REFUSED)
    assert (refused.msisdn, refused.error_code) == (phone, 5)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    assert sweep.finish_if_done(campaign.pk)


def test_last_recipient_whom_the_gateway_does_not_understand_is_refused(
    gateway: ScriptedGateway,
) -> None:
    """In a batch of its own nobody else is accepted; the campaign's others were."""
    campaign = factory.launched(4)  # batches of two, one and one
    phone = Recipient.objects.order_by("batch_number").last().msisdn  # type: ignore[union-attr]
    gateway.on_send = refuse_requests_with(gateway, {phone}, UNPROCESSABLE)
    for _ in range(3):
        send(gateway)
        factory.an_hour_later()
    assert counts(campaign) == (3, 1, 0)
    assert sweep.finish_if_done(campaign.pk)


def test_reference_known_before_is_never_sent_again(gateway: ScriptedGateway) -> None:
    """Error 43, and then the gateway says that it does not find the message."""
    campaign = factory.launched(3)

    def on_send(to: list[dict[str, str]]) -> Reply:
        return 200, {"result": [gateway.entry(address, 43) for address in to]}

    gateway.on_send = on_send
    for _hours in range(24):
        send(gateway)
        factory.an_hour_later()
    assert len(gateway.sends) == Batch.objects.count()
    assert counts(campaign) == (0, 0, 3)
    assert set(Recipient.objects.values_list("error_code", flat=True)) == {43}
    first = Recipient.objects.order_by("pk").first()
    assert first
    gateway.accepted[first.reference] = first.msisdn
    asking.resolve(gateway.client, 4)
    first.refresh_from_db()
    assert (first.send_state, first.error_code) == (SendState.ACCEPTED, None)
    for _hours in range(3):
        factory.an_hour_later()
        asking.resolve(gateway.client, 4)
    assert campaign_status.counts(campaign).unresolved == 2
    assert len(gateway.sends) == Batch.objects.count()
    assert sweep.finish_if_done(campaign.pk)


ACCEPTED = Accepted("1", Decimal("0.05"), "EUR")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([ACCEPTED, Refusal(5, "")], ("ask", [], ["a"], False)),
        ([ACCEPTED, Refusal(11, "")], ("again", [], ["a"], True)),
        ([ACCEPTED, Refusal(41, "")], ("done", [("b", 41)], ["a"], False)),
        ([ACCEPTED, Refusal(7, "")], ("done", [("b", 7)], ["a"], False)),
        ([ACCEPTED, Refusal(8, "")], ("again", [], ["a"], False)),
        ([ACCEPTED, Unknown("")], ("ask", [], ["a"], False)),
        ([ACCEPTED, Refusal(8, ""), Unknown("")], ("ask", [], ["a"], False)),
        ([Unknown(""), Refusal(8, ""), ACCEPTED], ("ask", [], ["c"], False)),
        ([Refusal(41, ""), Refusal(41, "")], ("done", [("a", 41), ("b", 41)], [], False)),
        ([Refusal(7, ""), Refusal(7, "")], ("again", [], [], False)),
        ([Refusal(5, ""), Refusal(5, "")], ("ask", [], [], True)),
        ([Refusal(43, ""), Refusal(40, "")], ("ask", [], [], False)),
    ],
)
def test_mixed_verdicts_decide_about_each_recipient(
    verdicts: list[Verdict], expected: tuple[str, list[tuple[str, int]], list[str], bool]
) -> None:
    result = interpret(SendAnswer(dict(zip("abc", verdicts, strict=False))), 1)
    refused = [(name, ending.error_code) for name, ending in result.not_accepted.items()]
    assert (
        result.next_step.value,
        refused,
        list(result.accepted),
        result.is_throttled or result.has_failed,
    ) == expected
