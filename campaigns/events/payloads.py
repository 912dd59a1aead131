"""What events say, as the JSON of a request: docs/webhooks.md describes it.

It is made anew for each try, from the recorded changes and the rows that they name. So nothing
stored holds a phone, and an erased phone is sent to nobody.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from campaigns.compose.models import Campaign
from campaigns.contacts.models import Import
from campaigns.dispatch.budgets.models import BudgetWarning
from campaigns.dispatch.models import ERASED_PREFIX, Recipient
from campaigns.dispatch.variants import letters_of_batches
from campaigns.events.kinds import TEST
from campaigns.events.models import Webhook, WebhookDelivery
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes.models import Change
from campaigns.shared.money import exact
from campaigns.team.models import Brand

Data = dict[str, Any]
CAMPAIGN_FIELDS = ("id", "name", "purpose", "audience")
IMPORT_COUNTS = (
    "rows", "new", "updated", "unchanged", "duplicates", "stop_listed", "rejected",
)  # fmt: skip
RECIPIENT_FIELDS = (
    "id", "campaign_id", "batch_number", "reference", "gateway_id", "error_code", "reason",
    "status", "sent_at", "delivered_at", "read_at", "charged", "viber_price", "currency",
    "sms_price", "sms_currency",
)  # fmt: skip


def build(webhook: Webhook, delivery: WebhookDelivery) -> bytes | None:
    """The body of a request: a JSON array of events. None if the webhook wants none of them now."""
    brand = Brand.objects.get(pk=webhook.brand_id or MAIN)
    if delivery.is_test:
        events = [_test_event(delivery, brand)]
    else:
        wanted = [kind for kind in delivery.kinds if kind in webhook.kinds]
        changes = Change._base_manager.filter(
            brand=webhook.brand_id,
            kind__in=wanted,
            position__gte=delivery.first,
            position__lte=delivery.last,
        )
        chosen = list(changes.order_by("position"))
        events = list(_events(chosen, brand, include_phones=webhook.include_phones))
    return json.dumps(events, separators=(",", ":")).encode() if events else None


def _test_event(delivery: WebhookDelivery, brand: Brand) -> Data:
    return {
        "id": f"{delivery.uuid.hex}-0",
        "type": TEST,
        "timestamp": _moment(delivery.created_at),
        "sequence": None,
        "brand": _brand(brand),
        "data": {"text": "This is a test event of ViberDash."},
    }


def _events(changes: Sequence[Change], brand: Brand, *, include_phones: bool) -> Iterator[Data]:
    of_brand, data = _brand(brand), _data(changes, include_phones)
    for change in changes:
        timestamp = _moment(change.at)
        for number, of_event in enumerate(data[change.pk]):
            yield {
                "id": f"{change.uuid.hex}-{number}",
                "type": change.kind,
                "timestamp": timestamp,
                "sequence": (change.position or 0) + number,
                "brand": of_brand,
                "data": of_event,
            }


def _data(changes: Sequence[Change], include_phones: bool) -> dict[int, list[Data]]:
    """The data of the events of each change, by its id."""
    data: dict[int, list[Data]] = {}
    for family, describe in FAMILIES.items():
        own = [change for change in changes if change.kind.startswith(f"{family}.")]
        if own:
            data |= describe(own, include_phones)
    return data


def _messages(changes: Sequence[Change], include_phones: bool) -> dict[int, list[Data]]:
    campaigns = _campaigns(change.object_id for change in changes)
    ids = {pk for change in changes for pk in change.messages}
    fields: tuple[str, ...] = (*RECIPIENT_FIELDS, "msisdn") if include_phones else RECIPIENT_FIELDS
    rows = list(Recipient._base_manager.filter(pk__in=ids).values(*fields))
    variants = letters_of_batches((row["campaign_id"], row["batch_number"]) for row in rows)
    messages = {row["id"]: _message(row, variants) for row in rows}
    return {
        change.pk: [
            {"campaign": campaigns.get(change.object_id, {"id": change.object_id})}
            | _states(change)
            | change.facts
            | messages.get(pk, {"message": {"id": pk}})
            for pk in change.messages
        ]
        for change in changes
    }


def _message(row: Mapping[str, Any], variants: Mapping[tuple[int, int], str]) -> Data:
    message: Data = {
        "id": row["id"], "reference": row["reference"], "gateway_id": row["gateway_id"],
    }  # fmt: skip
    if phone := row.get("msisdn"):
        message["phone"] = None if phone.startswith(ERASED_PREFIX) else f"+{phone}"
    viber = row["charged"] if row["viber_price"] is None else row["viber_price"]
    return {
        "message": message,
        "variant": variants.get((row["campaign_id"], row["batch_number"])) or None,
        "status": row["status"],
        "error_code": row["error_code"],
        "reason": row["reason"],
        "sent_at": _moment(row["sent_at"]),
        "delivered_at": _moment(row["delivered_at"]),
        "read_at": _moment(row["read_at"]),
        "cost": {
            "viber": _amount(viber),
            "currency": row["currency"],
            "sms": _amount(row["sms_price"]),
            "sms_currency": row["sms_currency"],
        },
    }


def _campaign_states(changes: Sequence[Change], _phones: bool) -> dict[int, list[Data]]:
    campaigns = _campaigns(change.object_id for change in changes)
    return {
        change.pk: [
            {"campaign": campaigns.get(change.object_id, {"id": change.object_id})}
            | _states(change)
            | change.facts
        ]
        for change in changes
    }


def _campaigns(ids: Iterable[int]) -> dict[int, Data]:
    rows = Campaign._base_manager.filter(pk__in=set(ids)).values(*CAMPAIGN_FIELDS)
    return {
        row["id"]: {
            "id": row["id"],
            "name": row["name"],
            "purpose": row["purpose"],
            "recipients": row["audience"],
        }
        for row in rows
    }


def _imports(changes: Sequence[Change], _phones: bool) -> dict[int, list[Data]]:
    imports = Import._base_manager.in_bulk([change.object_id for change in changes])
    return {
        change.pk: [{"import": _import(change, imports.get(change.object_id))} | _states(change)]
        for change in changes
    }


def _import(change: Change, row: Import | None) -> Data:
    """Neither the name of the file nor the reason of a failure: a phone may stand in them."""
    if row is None:
        return {"id": change.object_id}
    counts = {name: getattr(row, name) for name in IMPORT_COUNTS}
    return {"id": row.pk, "list": {"id": row.list_id, "name": row.list_name}} | counts


def _budgets(changes: Sequence[Change], _phones: bool) -> dict[int, list[Data]]:
    warnings = BudgetWarning._base_manager.in_bulk([change.object_id for change in changes])
    data: dict[int, list[Data]] = {}
    for change in changes:
        warning = warnings.get(change.object_id)
        budget: Data = {"id": change.object_id}
        if warning:
            budget |= {"scope": warning.scope, "period": warning.period}
            budget |= {"percent": warning.percent}
        data[change.pk] = [{"budget": budget | change.facts}]
    return data


FAMILIES: dict[str, Callable[[Sequence[Change], bool], dict[int, list[Data]]]] = {
    "message": _messages,
    "campaign": _campaign_states,
    "import": _imports,
    "budget": _budgets,
}


def _states(change: Change) -> Data:
    return {"before": change.before, "after": change.after}


def _brand(brand: Brand) -> Data:
    return {"id": brand.pk, "name": brand.name, "slug": brand.slug}


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z" if at else None


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else exact(amount)
