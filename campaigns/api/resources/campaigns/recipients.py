"""Recipients of campaigns, and what became of their messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.paging import Page, PageQuery, SliceQuery, page, slice_page
from campaigns.api.problems import invalid
from campaigns.api.resources.campaigns.schemas import CampaignId, find_campaign
from campaigns.api.schemas import CSV_FILE, NO_NUL, Money, money
from campaigns.contacts.phones.masking import mask_phone
from campaigns.contacts.search import queries
from campaigns.dispatch.models import (
    SEVERAL_CURRENCIES,
    DeliveryState,
    Recipient,
    SendState,
)
from campaigns.reports.campaign import recipients
from campaigns.reports.campaign.clicks import load_clicks
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.reasons import STATES_WITH_REASONS
from campaigns.reports.campaign.variants import letters_by_recipient
from campaigns.reports.shared.opt_outs import load_opted_out
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
    links = _load_links(list(rows))
    return slice_page(request, rows, lambda row: recipient_out(row, actor(request), links))


@router.get(
    "campaigns/{campaign_id}/recipients.csv", auth=Needs(Permission.VIEW), openapi_extra=CSV_FILE
)
def export_recipients(
    request: HttpRequest, campaign_id: CampaignId, query: Query[RecipientFilters]
) -> Any:
    """The recipients of a campaign as CSV, the file of its page. Phones are masked without
    `see_phones`.
    """
    chosen, campaign = _chosen(query), find_campaign(request, campaign_id)
    rows = recipients.export_rows(campaign, chosen, not sees_phones(actor(request)))
    table = recipients.EXPORT_COLUMNS, rows
    return download(request, "csv", recipients.file_name(campaign), table, campaign)


def _chosen(query: RecipientFilters) -> recipients.RecipientQuery:
    """What a request asks for. Raises Problem."""
    if query.why and query.state not in STATES_WITH_REASONS:
        states = ", ".join(sorted(STATES_WITH_REASONS))
        raise invalid("why", "invalid", f"Only these states have reasons: {states}.")
    values = {name: getattr(query, name) for name in RecipientFilters.model_fields}
    return recipients.read_query(values, masked=True)  # finds by a whole phone only


@router.get("messages", response=RecipientPage, auth=Needs(Permission.VIEW))
def list_messages(request: HttpRequest, query: Query[MessageQuery]) -> Any:
    """The messages to a phone in all campaigns, the newest first; none for a part of one."""
    rows = visible_to(actor(request), Recipient.objects.all())
    rows = rows.filter(msisdn=queries.whole_phone(query.phone) or None)
    return page(
        request,
        rows,
        query,
        lambda row: recipient_out(row[0], actor(request), row[1]),
        load=_with_links,
        newest_first=True,
    )


@dataclass(frozen=True, slots=True)
class LinkResults:
    """What recipients did with the links of their messages, and which variant these are, by the
    recipients' ids.
    """

    clicks: Mapping[int, tuple[int, datetime]]
    opted_out: Mapping[int, datetime]
    variants: Mapping[int, str]


def _load_links(found: list[Recipient]) -> LinkResults:
    ids = [row.pk for row in found]
    return LinkResults(load_clicks(ids), load_opted_out(ids), letters_by_recipient(found))


def _with_links(found: list[Recipient]) -> list[tuple[Recipient, LinkResults]]:
    links = _load_links(found)
    return [(row, links) for row in found]


def recipient_out(recipient: Recipient, user: User, links: LinkResults) -> RecipientOut:
    """A recipient as `user` sees them."""
    price, sms = recipients.viber_price(recipient), recipient.sms_price
    is_accepted = recipient.send_state == SendState.ACCEPTED
    is_several = recipient.sms_currency == SEVERAL_CURRENCIES
    clicks, first_click_at = links.clicks.get(recipient.pk, (0, None))
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
        clicks=clicks,
        first_click_at=first_click_at,
        opted_out_at=links.opted_out.get(recipient.pk),
        variant=links.variants.get(recipient.pk) or None,
        gateway_id=recipient.gateway_id,
        reference=recipient.reference,
    )


def phone_out(msisdn: str, user: User) -> str | None:
    """A stored phone as `user` sees it; None for that of an erased contact."""
    if not msisdn[:1].isdecimal():
        return None
    return f"+{msisdn}" if sees_phones(user) else mask_phone(msisdn)
