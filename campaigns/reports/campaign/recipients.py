"""The recipients of a campaign as a table: filters, search, pages, export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.db import connection
from django.db.models import F, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.gateway.statuses import DELIVERED, READ
from campaigns.reports.campaign.reasons import EXPLAINED, STEPS, columns, reasons, step_name
from campaigns.reports.shared.labels import is_country, refusal, status_word
from campaigns.reports.shared.outcomes import BY_SMS, BY_VIBER, OPEN, Outcome
from campaigns.reports.shared.partial_indexes import ended, told
from campaigns.shared.paging import Slice, read_merged, read_slice
from campaigns.shared.table_columns import Cell, Column, Kind

_L = gettext_lazy
# pages go by these: there are indexes; the first is the order of sending
COLUMN, BY_PHONE = "batch_number", "msisdn"
# recipients; in a larger campaign a phone is found by its beginning, which an index knows
ANY_PART_MAX = 20_000
AT_ONCE = 2_000  # rows that an export holds in memory
ALL = tuple(DeliveryState)


@dataclass(frozen=True, slots=True)
class Filter:
    """Recipients in one state: what it selects, and the property of Outcome that counts them."""

    key: str
    label: str | Promise
    send_state: SendState
    deliveries: tuple[DeliveryState, ...] = ()
    count: str = ""

    def number(self, outcome: Outcome) -> int:
        return int(getattr(outcome, self.count or self.key))

    def select(self, recipients: QuerySet[Recipient], why: str) -> QuerySet[Recipient]:
        """Those of `recipients` in this state, for the reason `why` ("" for any)."""
        found = self._sent(recipients, why)
        return found.filter(delivery_state__in=self.deliveries) if self.deliveries else found

    def parts(
        self, recipients: QuerySet[Recipient], why: str, outcome: Outcome
    ) -> list[QuerySet[Recipient]]:
        """The same in parts, of each of which an index knows the order of the pages; `outcome` says
        which there are.

        However few of millions they are and wherever among them, a page is read without the others:
        people who were refused, cancelled or never settled by reason, the others by what became of
        the message.
        """
        found = self._sent(recipients, why)
        if self.send_state == SendState.QUEUED or self.key == "taken":
            return [found]
        if self.send_state == SendState.ACCEPTED:
            known = [state for state in self.deliveries if outcome.deliveries[state]]
            if why and self.key in STEPS:
                known = [state for state in known if why == step_name(state)]
            return [found.filter(told(state)) for state in known]
        reasons_of = {
            SendState.REFUSED: {reason for _code, reason in outcome.refusals},
            SendState.CANCELLED: set(outcome.cancellations),
            SendState.UNRESOLVED: {"unresolved"},
        }
        return [found.filter(ended(reason)) for reason in sorted(reasons_of[self.send_state])]

    def _sent(self, recipients: QuerySet[Recipient], why: str) -> QuerySet[Recipient]:
        found = recipients.filter(send_state=self.send_state)
        return found.filter(**columns(self.key, why)) if why else found


FILTERS: dict[str, Filter] = {
    chosen.key: chosen
    for chosen in (
        Filter("queued", _L("Queued"), SendState.QUEUED),
        Filter("accepted", _L("Accepted, nothing heard yet"), SendState.ACCEPTED, OPEN, "open"),
        Filter(
            "delivered",
            _L("Delivered"),
            SendState.ACCEPTED,
            (DeliveryState.DELIVERED,),
            "delivered_unread",
        ),
        Filter("read", _L("Read"), SendState.ACCEPTED, (DeliveryState.READ,)),
        Filter("by_sms", _L("By SMS"), SendState.ACCEPTED, BY_SMS),
        Filter(
            "not_delivered", _L("Not delivered"), SendState.ACCEPTED, (DeliveryState.NOT_DELIVERED,)
        ),
        Filter("refused", _L("Refused"), SendState.REFUSED),
        Filter("unresolved", _L("Unresolved"), SendState.UNRESOLVED),
        Filter("cancelled", _L("Cancelled"), SendState.CANCELLED),
    )
}


# What figures of the pages count together; no chips of their own.
GROUPS: dict[str, Filter] = {
    chosen.key: chosen
    for chosen in (
        Filter("taken", _L("Accepted by the gateway"), SendState.ACCEPTED, count="accepted"),
        Filter("by_viber", _L("Delivered by Viber"), SendState.ACCEPTED, BY_VIBER, "delivered"),
    )
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the reader asks for: a state, a country ("" for any), a part of the phone, a reason
    within the state.
    """

    state: Filter | None = None
    country: str = ""
    phone: str = ""
    why: str = ""

    def __bool__(self) -> bool:
        return bool(self.state or self.country or self.phone)


def read_chosen(query: Mapping[str, str]) -> Chosen:
    """The filters in a query string; what is malformed is as if it were not there."""
    digits = "".join(
        character
        for character in query.get("phone", "")
        if character.isdecimal() and character.isascii()
    )
    country = query.get("country", "")
    asked = query.get("state", "")
    state = FILTERS.get(asked) or GROUPS.get(asked)
    why = query.get("why", "")[:40].replace("\0", "") if state and state.key in EXPLAINED else ""
    return Chosen(state, country if is_country(country) else "", digits[:15], why)


def recipients(campaign: Campaign, chosen: Chosen) -> QuerySet[Recipient]:
    """The recipients of `campaign` that were asked for."""
    found = _whatever_state(campaign, chosen)
    return chosen.state.select(found, chosen.why) if chosen.state else found


def page(campaign: Campaign, chosen: Chosen, outcome: Outcome, at: str) -> Slice[Recipient]:
    """The page `at` of the recipients that were asked for; `outcome` is the campaign's."""
    if not chosen.state or _by_beginning(campaign, chosen):
        return read_slice(recipients(campaign, chosen), column(campaign, chosen), at)
    return read_merged(
        chosen.state.parts(_whatever_state(campaign, chosen), chosen.why, outcome), COLUMN, at
    )


def _whatever_state(campaign: Campaign, chosen: Chosen) -> QuerySet[Recipient]:
    """Those of the country and the phone that were asked for."""
    found = (
        _by_phone(campaign)
        if _by_beginning(campaign, chosen)
        else Recipient.objects.filter(campaign=campaign)
    )
    if chosen.country:
        found = found.filter(country=chosen.country)
    if not chosen.phone:
        return found
    if not _by_beginning(campaign, chosen):
        return found.filter(msisdn__contains=chosen.phone)
    found = found.filter(msisdn__gte=chosen.phone)
    beyond = str(int(chosen.phone) + 1)  # the first beginning of that length which comes after
    return found.filter(msisdn__lt=beyond) if len(beyond) == len(chosen.phone) else found


def _by_phone(campaign: Campaign) -> QuerySet[Recipient]:
    """Of `campaign`, to be found by the index over phones: SQLite would sooner read a whole
    campaign.
    """
    if connection.vendor != "sqlite":
        return Recipient.objects.filter(campaign=campaign)
    return Recipient.objects.alias(hidden=F("campaign_id") + 0).filter(hidden=campaign.pk)


def finds_any_part(campaign: Campaign) -> bool:
    """Whether the search looks for any part of a phone, not for its beginning alone."""
    return (campaign.audience or 0) <= ANY_PART_MAX


def column(campaign: Campaign, chosen: Chosen) -> str:
    """The column that the pages of what was asked for go by."""
    return BY_PHONE if _by_beginning(campaign, chosen) else COLUMN


def _by_beginning(campaign: Campaign, chosen: Chosen) -> bool:
    return bool(chosen.phone) and not finds_any_part(campaign)


def expected(outcome: Outcome, chosen: Chosen) -> int | None:
    """How many people were asked for, from the tallies; None where only reading them all would
    tell.
    """
    if chosen.phone or chosen.country:
        return None
    if chosen.state and chosen.why:
        return next(
            (one.number for one in reasons(outcome, chosen.state.key) if one.why == chosen.why), 0
        )
    return chosen.state.number(outcome) if chosen.state else outcome.audience


def reason(recipient: Recipient) -> str:
    """Why it came to this, or what was last heard, in words."""
    if recipient.send_state in (SendState.REFUSED, SendState.CANCELLED):
        return refusal(recipient.error_code or 0, recipient.reason)[0]
    if recipient.send_state == SendState.UNRESOLVED:
        return _("Nobody could settle whether the gateway took it.")
    if recipient.send_state == SendState.QUEUED:
        return ""
    if recipient.delivery_state == DeliveryState.FALLBACK_DELIVERED:
        return _("%(why)s; SMS delivered") % {"why": status_word(recipient.status)}
    if recipient.delivery_state == DeliveryState.FALLBACK:
        return _("%(why)s; SMS sent") % {"why": status_word(recipient.status)}
    return status_word(recipient.status) if recipient.status not in (DELIVERED, READ) else ""


EXPORT_COLUMNS = (
    Column("phone"),
    Column("country"),
    Column("state"),
    Column("reason"),
    Column("gateway_status"),
    Column("error_code", Kind.NUMBER),
    Column("sent_at", Kind.TIME),
    Column("delivered_at", Kind.TIME),
    Column("currency"),
    Column("viber_price", Kind.MONEY),
    Column("sms_price", Kind.MONEY),
    Column("gateway_id"),
    Column("reference"),
    Column("purpose"),
)


def export_rows(campaign: Campaign, chosen: Chosen, masked: bool) -> Iterator[tuple[Cell, ...]]:
    """The rows of EXPORT_COLUMNS for everybody asked for, read by ranges of batches: memory stays
    flat on every database.
    """
    everybody = Recipient.objects.filter(campaign=campaign)
    last = everybody.order_by(f"-{COLUMN}").values_list(COLUMN, flat=True).first()
    wanted = recipients(campaign, chosen).order_by(COLUMN, "pk")
    step = AT_ONCE // 50
    for first, beyond in pairwise(range(0, (last or 0) + step + 1, step)):
        for recipient in wanted.filter(batch_number__gte=first, batch_number__lt=beyond):
            yield (*_export_row(recipient, masked), campaign.purpose)


def _export_row(recipient: Recipient, masked: bool) -> tuple[Cell, ...]:
    phone = f"{recipient.msisdn[:4]}•••{recipient.msisdn[-2:]}" if masked else recipient.msisdn
    return (
        phone, recipient.country, state_words(recipient), reason(recipient), recipient.status,
        recipient.error_code, recipient.sent_at, recipient.delivered_at, recipient.currency,
        viber_price(recipient), recipient.sms_price, recipient.gateway_id, recipient.reference,
    )  # fmt: skip


def state_words(recipient: Recipient) -> str:
    """The word of the filter that finds this recipient."""
    for chosen in FILTERS.values():
        if chosen.send_state == recipient.send_state and recipient.delivery_state in (
            chosen.deliveries or ALL
        ):
            return str(chosen.label)
    return recipient.send_state


def viber_price(recipient: Recipient) -> Decimal | None:
    """The newest price of the Viber message that the gateway named; None is not yet known."""
    newest: Decimal | None = recipient.viber_price
    return recipient.charged if newest is None else newest
