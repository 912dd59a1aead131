"""What is recorded of messages, as webhooks would be told."""

from collections import defaultdict

from campaigns.dispatch.models import Recipient, SendState
from campaigns.events import kinds
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes import numbering
from campaigns.shared.changes.models import Change, WantedKind


def want_everything() -> None:
    """Have each kind of change recorded, as if a webhook wanted it."""
    WantedKind.objects.bulk_create(WantedKind(brand_id=MAIN, kind=kind) for kind in kinds.NAMES)


def chains() -> dict[int, list[tuple[str, str]]]:
    """The changes of each message, in order: pairs of the state before and after."""
    numbering.number_new()
    told: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for change in Change.objects.filter(kind__startswith="message.").order_by("position"):
        assert change.kind == f"message.{change.after}"
        assert change.size == len(change.messages)
        for pk in change.messages:
            told[pk].append((change.before, change.after))
    return dict(told)


def check_chains() -> None:
    """Each message is told from its beginning to the state that it has, without gap or repeat."""
    told = chains()
    for recipient in Recipient.objects.all():
        states = ["queued", *(after for _before, after in told.pop(recipient.pk, []))]
        now = recipient.delivery_state or recipient.send_state
        assert states[-1] == now, (recipient.pk, states, now)
        if len(states) > 1 and recipient.send_state == SendState.ACCEPTED:
            assert states.count("accepted") == 1
    assert told == {}
    for changes in chains().values():
        befores = [before for before, _after in changes]
        afters = [after for _before, after in changes]
        assert befores == ["queued", *afters[:-1]]
