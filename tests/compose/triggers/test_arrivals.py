"""Events are taken in once, and checked before they are."""

import pytest
from django_q.models import OrmQ

from campaigns.compose.models import EventState, Trigger, TriggerEvent, TriggerState
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.arrivals import Arrival, EventRefused, OtherContent, receive
from campaigns.compose.triggers.moves import Limits
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.models import Brand
from tests.dispatch import factory

pytestmark = pytest.mark.django_db

PHONE = "+380971234567"
LIMITS = Limits(1_000, 3, 24)


@pytest.fixture
def trigger() -> Trigger:
    draft = factory.draft(text="Order {order} for {name|you}")
    return moves.set_up(draft.pk, "order.paid", LIMITS, None)


def paid(
    key: str = "1042", phone: str = PHONE, event: str = "order.paid", **values: str
) -> Arrival:
    return Arrival(event, key, phone, {"order": "1042"} | values)


def test_an_event_is_stored_with_what_its_message_uses(trigger: Trigger) -> None:
    event, is_new = receive(paid(name="Олена", total="99", phone="097 123-45-67"))
    assert is_new
    assert (event.trigger, event.state, event.msisdn, event.country) == (
        trigger, EventState.WAITING, "380971234567", "UA",
    )  # fmt: skip
    assert TriggerEvent.objects.get().values == {"name": "Олена", "order": "1042"}
    assert OrmQ.objects.count() == 1  # a worker is woken


def test_a_repeated_event_is_the_same(trigger: Trigger) -> None:
    first, _is_new = receive(paid(name="Олена"))
    again, is_new = receive(paid(name="Олена", total="100"))
    assert (again.pk, is_new) == (first.pk, False)
    assert TriggerEvent.objects.count() == 1


@pytest.mark.parametrize(
    "other", [paid(phone="+380971234568"), paid(order="1043")], ids=["phone", "value"]
)
def test_the_id_of_another_event_is_refused(trigger: Trigger, other: Arrival) -> None:
    receive(paid())
    with pytest.raises(OtherContent):
        receive(other)
    assert TriggerEvent.objects.get().values == {"order": "1042"}


@pytest.mark.parametrize(
    ("arrival", "field", "text"),
    [
        (paid(phone="12"), "phone", "This is not a phone number."),
        (paid(event="order.lost"), "event", "No trigger has this event. Set it up in Triggers."),
        (paid(order=""), "values.order", "The message needs a value for {order}."),
        (
            paid(name="x" * 990), "values",
            "With these values the text has 1005 characters; 1000 fit.",
        ),
    ],
)  # fmt: skip
def test_what_could_not_be_sent_is_refused(
    trigger: Trigger, arrival: Arrival, field: str, text: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        receive(arrival)
    assert (refused.value.field, str(refused.value)) == (field, text)
    assert not TriggerEvent.objects.exists()


def test_an_ended_trigger_takes_nothing_and_its_event_is_free(trigger: Trigger) -> None:
    receive(paid())
    moves.end(trigger.pk, None)
    with pytest.raises(EventRefused):
        receive(paid("1043"))
    other = moves.set_up(factory.draft(text="Thanks").pk, "order.paid", LIMITS, None)
    event, is_new = receive(paid("1043"))
    assert (event.trigger, is_new) == (other, True)
    again, is_new = receive(paid())  # of the trigger before: it never sends a second time
    assert (again.trigger, again.state, again.reason, is_new) == (
        trigger, EventState.SKIPPED, "by_person", False,
    )  # fmt: skip


def test_brands_have_triggers_of_their_own(trigger: Trigger) -> None:
    with acting_for(Brand.objects.create(name="Outlet", slug="outlet").pk):
        with pytest.raises(EventRefused):
            receive(paid())
        draft = factory.draft(text="Outlet {order}")
        own = moves.set_up(draft.pk, "order.paid", LIMITS, None)
        assert receive(paid())[0].trigger == own
    with acting_for(MAIN):
        assert receive(paid())[0].trigger == trigger


def test_while_a_trigger_is_off_events_wait(trigger: Trigger) -> None:
    assert trigger.state == TriggerState.OFF
    receive(paid())
    assert moves.skip_waiting(trigger.pk, None) == 1
    assert TriggerEvent.objects.get().state == EventState.SKIPPED
