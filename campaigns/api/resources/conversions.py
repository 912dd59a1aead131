"""Conversions: what followed a click, such as the orders of a shop."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.problems import Problem, invalid
from campaigns.api.schemas import Body, Currency, Money, money
from campaigns.compose.message.tracking.codes import ALPHABET, CODE_LENGTH
from campaigns.compose.models import Campaign
from campaigns.engagement import conversions
from campaigns.engagement.models import Conversion
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission

router = Router(tags=["Conversions"])

Click = Annotated[
    str,
    StringConstraints(pattern=f"^[{ALPHABET}]{{{CODE_LENGTH}}}$"),
    Field(description="The value of the parameter `vd_click`.", examples=["4kT9mXcQ2vB"]),
]
ConversionId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{1,100}$"),
    Field(
        description="Yours, such as the number of the order: used once in the brand, and nothing"
        " that identifies a person.",
        examples=["order-10428"],
    ),
]
# fewer digits than other amounts, so that no sum of a campaign gets too large to be stored
Value = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,7})?$"),
    Field(description="Such as 12.50, in text, so that no digit is lost.", examples=["12.50"]),
]


class ConversionIn(Body):
    click: Click
    id: ConversionId
    value: Annotated[Value | None, Field(description="null: it has none")] = None
    currency: Annotated[Currency | None, Field(description="Of the value.")] = None


class ConversionOut(Schema):
    id: str
    click: str
    campaign_id: int
    recipient_id: int
    link: Annotated[int, Field(description="The number of the link, as `clicks` has it.")]
    value: Money | None
    reported_at: datetime


@router.post(
    "conversions", response={201: ConversionOut}, auth=Needs(Permission.REPORT_CONVERSIONS)
)
def create_conversion(request: HttpRequest, body: ConversionIn) -> Any:
    """Report that a recipient did what their click was for. Again with the same id: the same
    answer, and nothing is counted twice; with the same id and other content: 409.
    """
    if (body.value is None) != (body.currency is None):
        name = "currency" if body.currency is None else "value"
        raise invalid(name, "missing", "A value and its currency go together.")
    try:
        click = conversions.find_click(body.click)
    except conversions.UnknownClickError as error:
        raise invalid("click", "not_found", "There is no such click.") from error
    # of another brand: not found
    own = Campaign.objects.all()
    get_object_for(actor(request), own, Permission.REPORT_CONVERSIONS, pk=click.campaign.pk)
    value = None if body.value is None else Decimal(body.value)
    try:
        row = conversions.record(click, body.id, value, body.currency or "")
    except conversions.OtherContentError as error:
        text = "This id was reported with other content."
        raise Problem(409, "conversion_id_reused", text) from error
    return Status(201, _conversion_out(row, body.click))


def _conversion_out(row: Conversion, click: str) -> ConversionOut:
    return ConversionOut(
        id=row.conversion_id,
        click=click,
        campaign_id=row.campaign_id,
        recipient_id=row.recipient_id,
        link=row.number,
        value=None if row.value is None else money(row.value, row.currency),
        reported_at=row.at,
    )
