"""The ledger compared with the gateway, and the fees and corrections that are entered by hand."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.resources.campaigns.recipients import phone_out
from campaigns.api.resources.money.spend import EntryOut, entry_out
from campaigns.api.schemas import NOT_BLANK, Amount, Body, Currency, Money, StrictId, money
from campaigns.compose.models import Sender
from campaigns.ledger.models import Channel
from campaigns.reports.spend.reconciliation import BalanceHour, load_reconciliation_for
from campaigns.results.models import SampledStatus
from campaigns.results.money import corrections
from campaigns.results.pages.forms import NOTE_MAX, CorrectionForm, FeeForm
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission

router = Router(tags=["Money"])
CORRECT = Needs(Permission.CORRECT_LEDGER)


class BalanceHourOut(Schema):
    """What lies between two readings of the balance."""

    since: datetime
    until: datetime
    balance_change: Money
    entered: Annotated[Money, Field(description="Into the ledger.")]
    difference: Annotated[
        Money, Field(description="How much higher the balance is than the ledger explains.")
    ]
    reason: Annotated[str, Field(description="The likely one.")]
    has_gap: Annotated[bool, Field(description="Readings in between are missing.")]


class SampledOut(Schema):
    """A message whose status or price is another one at the gateway."""

    recipient_id: int
    campaign_id: int
    phone: Annotated[str | None, Field(description="Masked without `see_phones`.")]
    status: str
    reported_status: Annotated[str, Field(description='"": unknown to the gateway')]
    entered: Annotated[Money | None, Field(description="In the ledger.")]
    reported: Annotated[Money | None, Field(description="By the gateway.")]


class SampleOut(Schema):
    checked: int
    differing: list[SampledOut]


class UnknownPricesOut(Schema):
    campaign_id: int
    name: str
    prices: int


class WrongTotalOut(Schema):
    campaign_id: int
    batch: int
    at: datetime


class ReconciliationOut(Schema):
    """Seven days; at most 50 rows of each kind but hours."""

    difference: Annotated[Money | None, Field(description="Of all hours; null: none compared.")]
    compared_hours: int
    hours: Annotated[list[BalanceHourOut], Field(description="That differ, the newest first.")]
    sample: Annotated[SampleOut, Field(description="Messages that were asked for again.")]
    unknown_prices: list[UnknownPricesOut]
    wrong_totals: Annotated[
        list[WrongTotalOut], Field(description="Answers whose total is not that of their prices.")
    ]


class ManualEntries(Schema):
    items: list[EntryOut]


class FeeIn(Body):
    sender_id: StrictId
    month: Annotated[str, Field(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
    amount: Amount
    currency: Currency


class CorrectionIn(Body):
    amount: Annotated[
        str,
        StringConstraints(pattern=r"^-?[0-9]{1,11}(\.[0-9]{1,7})?$"),
        Field(description="More cost; with a minus sign, less.", examples=["-1.25"]),
    ]
    currency: Currency
    channel: Channel
    campaign_id: Annotated[StrictId | None, Field(description="null: none")] = None
    note: Annotated[
        str, Field(min_length=1, max_length=NOTE_MAX, pattern=NOT_BLANK, description="The reason.")
    ]


@router.get("spend/reconciliation", response=ReconciliationOut, auth=Needs(Permission.RECONCILE))
def get_reconciliation(request: HttpRequest) -> Any:
    """Compare the ledger with the gateway: the numbers of the page. Where there are several brands,
    it needs `correct_ledger` too.
    """
    found, user = load_reconciliation_for(actor(request)), actor(request)
    total = money(found.difference, found.hours[0].after.currency) if found.hours else None
    return ReconciliationOut(
        difference=total,
        compared_hours=len(found.hours),
        hours=[_hour_out(hour) for hour in found.differing_hours],
        sample=SampleOut(
            checked=found.sample.checked,
            differing=[_sampled_out(row, user) for row in found.sample.differing],
        ),
        unknown_prices=[
            UnknownPricesOut(
                campaign_id=each.campaign.pk, name=each.campaign.name, prices=each.prices
            )
            for each in found.unknown
        ],
        wrong_totals=[
            WrongTotalOut(campaign_id=row.campaign_id, batch=row.batch_number, at=row.at)
            for row in found.wrong_totals
        ],
    )


@router.get(
    "spend/corrections", summary="List fees and corrections", response=ManualEntries, auth=CORRECT
)
def list_corrections(request: HttpRequest) -> Any:
    """The newest 50 fees and corrections without a campaign; `spend/entries` has those of one."""
    user = actor(request)
    return ManualEntries(items=[entry_out(entry, user) for entry in corrections.manual_entries()])


@router.post("spend/corrections", response={204: None}, auth=CORRECT)
def add_correction(request: HttpRequest, body: CorrectionIn) -> Any:
    """Add an amount to the cost of a campaign, or of none. No entry of the ledger is changed."""
    values = body.model_dump(mode="json", exclude={"campaign_id"})
    form = CorrectionForm(posted(values | {"campaign": body.campaign_id}))
    fields = require_valid(form, {"campaign": "campaign_id"})
    channel = Channel(fields.pop("channel"))
    corrections.enter_correction(actor(request), channel, **fields)
    return Status(204, None)


@router.post("spend/fees", response={204: None}, auth=CORRECT)
def add_fee(request: HttpRequest, body: FeeIn) -> Any:
    """Add the monthly fee of a sender. Refused if that fee is in the ledger already."""
    user = actor(request)
    sender = get_object_for(user, Sender.objects.all(), pk=body.sender_id)
    values = body.model_dump(exclude={"sender_id"}) | {"sender": sender.pk}
    corrections.enter_fee(user, **require_valid(FeeForm(posted(values))))
    return Status(204, None)


def _hour_out(hour: BalanceHour) -> BalanceHourOut:
    currency = hour.after.currency
    return BalanceHourOut(
        since=hour.before.at,
        until=hour.after.at,
        balance_change=money(hour.balance_change, currency),
        entered=money(hour.entered, currency),
        difference=money(hour.difference, currency),
        reason=hour.reason,
        has_gap=hour.has_gap,
    )


def _sampled_out(row: SampledStatus, user: User) -> SampledOut:
    def amount(value: Decimal | None) -> Money | None:
        return None if value is None else money(value, row.currency)

    return SampledOut(
        recipient_id=row.recipient_id,
        campaign_id=row.campaign_id,
        phone=phone_out(row.recipient.msisdn, user),
        status=row.status,
        reported_status=row.reported_status,
        entered=amount(row.entered),
        reported=amount(row.reported_amount),
    )
