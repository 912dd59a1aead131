"""Recipients of campaigns, and what became of their messages."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.paging import Page, PageQuery, SliceQuery, page, slice_page
from campaigns.api.problems import invalid
from campaigns.api.resources.campaigns.schemas import CampaignId, find_campaign
from campaigns.api.schemas import NO_NUL, TABLE_FILE, FileKind, Money, money
from campaigns.contacts.phones.masking import mask_phone
from campaigns.contacts.search import queries
from campaigns.dispatch.models import (
    SEVERAL_CURRENCIES,
    DeliveryState,
    Recipient,
    SendState,
)
from campaigns.reports.campaign import recipients
from campaigns.reports.campaign.link_results import NOTHING, LinkResult, load_link_results
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.reasons import STATES_WITH_REASONS
from campaigns.reports.campaign.variants import letters_by_recipient
from campaigns.team.models import User
from campaigns.team.pages.audit.downloads import download
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Results"])
STATES = "|".join([*recipients.FILTERS, *recipients.GROUPS])

WholePhone = Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{5,30}$", description="A whole phone.")]


class RecipientOut(Schema):
    id: int
    campaign_id: int
    phone: Annotated[
        str | None,
        Field(description="+380671234567; masked without `see_phones`; null: erased"),
    ]
    country: str
    state: Annotated[str, Field(description="What the filter `state` calls it.")]
    send_state: SendState
    delivery_state: DeliveryState
    status: Annotated[str, Field(description="The gateway's word.")]
    reason: str
    error_code: int | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    clicks: Annotated[int, Field(description="Of people, on tracked links.")]
    first_click_at: datetime | None
    opted_out_at: Annotated[datetime | None, Field(description="By the link of this message.")]
    conversions: int
    first_conversion_at: Annotated[datetime | None, Field(description="When it was reported.")]
    revenue: Annotated[list[Money], Field(description="Of its conversions, by currency.")]
    viber_price: Annotated[Money | None, Field(description="null: none, or not known yet")]
    sms_price: Annotated[
        Money | None, Field(description="Of several currencies: null, the ledger has them.")
    ]
    variant: Annotated[str | None, Field(description="null: without variants, or not decided yet.")]
    gateway_id: str
    reference: str


class RecipientPage(Page[RecipientOut]):
    pass


class RecipientFilters(Schema):
    state: Annotated[str, Field(pattern=f"^({STATES})?$")] = ""
    why: Annotated[
        str,
        StringConstraints(max_length=40, pattern=NO_NUL),
        Field(description="A reason within the state, as `undelivered` of the progress has it."),
    ] = ""
    country: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    clicked: Annotated[str, Field(pattern="^(yes|no)?$")] = ""
    converted: Annotated[str, Field(pattern="^(yes|no)?$")] = ""
    opted_out: Annotated[
        str, Field(pattern="^(yes|no)?$", description="By the link of this message.")
    ] = ""
    variant: Annotated[str, Field(pattern="^[A-D]?$")] = ""
    phone: Annotated[
        str, Field(pattern=r"^(\+?[0-9 ().-]{5,30})?$", description="A whole phone.")
    ] = ""


class RecipientQuery(RecipientFilters, SliceQuery):
    cursor: Annotated[
        str,
        Field(
            pattern=r"^([0-9]{1,9}\.[0-9]{1,18})?$",
            description="Where the page begins: `next_cursor` of the page before.",
        ),
    ] = ""


class MessageQuery(PageQuery):
    phone: WholePhone


@router.get(
    "campaigns/{campaign_id}/recipients", response=RecipientPage, auth=Needs(Permission.VIEW)
)
def list_recipients(
    request: HttpRequest, campaign_id: CampaignId, query: Query[RecipientQuery]
) -> Any:
    """The recipients of a campaign in the order of sending."""
    chosen, campaign = _chosen(query), find_campaign(request, campaign_id)
    counts = load_progress(campaign).counts
    rows = recipients.load_page(campaign, chosen, counts, query.at, query.limit)
    links = load_link_results([row.pk for row in rows] if campaign.has_short_links else [])
    letters = letters_by_recipient(list(rows)) if campaign.variants else {}
    return slice_page(
        request,
        rows,
        lambda row: recipient_out(
            row, actor(request), links.get(row.pk, NOTHING), letters.get(row.pk, "")
        ),
    )


@router.get(
    "campaigns/{campaign_id}/recipients.{kind}",
    auth=Needs(Permission.VIEW),
    openapi_extra=TABLE_FILE,
)
def export_recipients(
    request: HttpRequest, campaign_id: CampaignId, kind: FileKind, query: Query[RecipientFilters]
) -> Any:
    """The recipients of a campaign as a file: that of its page. Phones are masked without
    `see_phones`.
    """
    chosen, campaign = _chosen(query), find_campaign(request, campaign_id)
    rows = recipients.export_rows(campaign, chosen, not sees_phones(actor(request)))
    table = recipients.EXPORT_COLUMNS, rows
    return download(request, kind, recipients.file_name(campaign), table, campaign)


def _chosen(query: RecipientFilters) -> recipients.RecipientQuery:
    """What a request asks for. Raises Problem."""
    if query.why and query.state not in STATES_WITH_REASONS:
        states = ", ".join(sorted(STATES_WITH_REASONS))
        raise invalid("why", "invalid", f"Only these states have reasons: {states}.")
    values = {name: getattr(query, name) for name in RecipientFilters.model_fields}
    return recipients.read_query(values, masked=True)  # finds by a whole phone only


@router.get(
    "messages",
    summary="List messages to a phone",
    response=RecipientPage,
    auth=Needs(Permission.VIEW),
)
def list_messages(request: HttpRequest, query: Query[MessageQuery]) -> Any:
    """The messages to a phone in all campaigns, the newest first; none for a part of one."""
    rows = visible_to(actor(request), Recipient.objects.all())
    rows = rows.filter(msisdn=queries.whole_phone(query.phone) or None)
    return page(
        request,
        rows,
        query,
        lambda row: recipient_out(row[0], actor(request), *row[1:]),
        load=_with_links,
        newest_first=True,
    )


def _with_links(found: list[Recipient]) -> list[tuple[Recipient, LinkResult, str]]:
    links, letters = load_link_results([row.pk for row in found]), letters_by_recipient(found)
    return [(row, links.get(row.pk, NOTHING), letters.get(row.pk, "")) for row in found]


def recipient_out(
    recipient: Recipient, user: User, links: LinkResult, variant: str
) -> RecipientOut:
    """A recipient as `user` sees them, what they did with the links of the message, and the letter
    of its variant.
    """
    price, sms = recipients.viber_price(recipient), recipient.sms_price
    is_accepted = recipient.send_state == SendState.ACCEPTED
    is_several = recipient.sms_currency == SEVERAL_CURRENCIES
    return RecipientOut(
        id=recipient.pk,
        campaign_id=recipient.campaign_id,
        phone=phone_out(recipient.msisdn, user),
        country=recipient.country,
        state=recipients.state_key(recipient),
        send_state=SendState(recipient.send_state),
        delivery_state=DeliveryState(recipient.delivery_state),
        status=recipient.status,
        reason=recipients.reason_text(recipient),
        error_code=recipient.error_code,
        sent_at=recipient.sent_at,
        delivered_at=recipient.delivered_at,
        read_at=recipient.read_at,
        viber_price=money(price, recipient.currency) if is_accepted and price is not None else None,
        sms_price=None if sms is None or is_several else money(sms, recipient.currency_of_sms),
        clicks=links.clicks,
        first_click_at=links.first_click_at,
        opted_out_at=links.opted_out_at,
        conversions=links.conversions.number,
        first_conversion_at=links.conversions.first_at,
        revenue=[money(amount, name) for name, amount in links.conversions.revenue.items()],
        variant=variant or None,
        gateway_id=recipient.gateway_id,
        reference=recipient.reference,
    )


def phone_out(msisdn: str, user: User) -> str | None:
    """A stored phone as `user` sees it; None for that of an erased contact."""
    if not msisdn[:1].isdecimal():
        return None
    return f"+{msisdn}" if sees_phones(user) else mask_phone(msisdn)
