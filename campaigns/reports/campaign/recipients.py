"""The recipients of a campaign as a table: filters, search, paging, export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.message.variants import LETTERS
from campaigns.compose.models import Campaign
from campaigns.contacts.models import MSISDN_LENGTH
from campaigns.contacts.people.names import names_of
from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.masking import mask_phone, mask_phones_in
from campaigns.contacts.search import queries
from campaigns.dispatch.models import SEVERAL_CURRENCIES, DeliveryState, Recipient, SendState
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.reports.campaign import link_results, variants
from campaigns.reports.campaign.reasons import (
    DELIVERY_STEPS,
    STATES_WITH_REASONS,
    count_reasons,
    reason_conditions,
    step_name,
)
from campaigns.reports.shared.delivery_counts import (
    AWAITING_STATUS,
    BY_SMS,
    BY_VIBER,
    DeliveryCounts,
)
from campaigns.reports.shared.labels import is_country_code, refusal, status_label
from campaigns.reports.shared.partial_indexes import ended_for, in_delivery_state
from campaigns.shared.paging import PAGE, Slice, read_merged, read_slice
from campaigns.shared.table_columns import Cell, Column, Kind
from campaigns.shared.text import without_nul

_L = gettext_lazy
# the columns that pages are ordered by, which have indexes
PAGE_COLUMN = "batch_number"  # the order of sending
PHONE_COLUMN = "msisdn"
# recipients; in a larger campaign a phone is found by its first digits, with the index
ANY_PART_MAX = 20_000
EXPORT_ROWS = 2_000  # rows that an export holds in memory
ALL_STATES = tuple(DeliveryState)


@dataclass(frozen=True, slots=True)
class StateFilter:
    """Recipients in one state.

    `count` names the property of DeliveryCounts that counts them, where that is not `key`.
    `chip`: what the filter is called where `label` says more than it selects.
    """

    key: str
    label: str | Promise
    send_state: SendState
    deliveries: tuple[DeliveryState, ...] = ()
    count: str = ""
    chip: str | Promise = ""

    @property
    def chip_label(self) -> str | Promise:
        return self.chip or self.label

    def number(self, counts: DeliveryCounts) -> int:
        """Return how many recipients are in this state."""
        return int(getattr(counts, self.count or self.key))

    def select(self, recipients: QuerySet[Recipient], why: str) -> QuerySet[Recipient]:
        """Return those of `recipients` in this state for the reason `why` ("" for any)."""
        selected = self._in_send_state(recipients, why)
        if not self.deliveries:
            return selected
        return selected.filter(delivery_state__in=self.deliveries)

    def parts(
        self, recipients: QuerySet[Recipient], why: str, counts: DeliveryCounts
    ) -> list[QuerySet[Recipient]]:
        """Return the same as querysets that each have an index in the order of the pages.

        A page is then read without reading the other recipients, however few it selects of
        millions: the refused, cancelled and unresolved by their reason, the others by their
        delivery state. `counts` says which parts have recipients.
        """
        selected = self._in_send_state(recipients, why)
        if self.send_state == SendState.QUEUED or self.key == "taken":
            return [selected]
        if self.send_state == SendState.ACCEPTED:
            states = [state for state in self.deliveries if counts.deliveries[state]]
            if why and self.key in DELIVERY_STEPS:
                states = [state for state in states if why == step_name(state)]
            return [selected.filter(in_delivery_state(state)) for state in states]
        reasons = {
            SendState.REFUSED: {reason for _code, reason in counts.refusals},
            SendState.CANCELLED: set(counts.cancellations),
            SendState.UNRESOLVED: {"unresolved"},
        }
        return [selected.filter(ended_for(reason)) for reason in sorted(reasons[self.send_state])]

    def _in_send_state(self, recipients: QuerySet[Recipient], why: str) -> QuerySet[Recipient]:
        selected = recipients.filter(send_state=self.send_state)
        return selected.filter(**reason_conditions(self.key, why)) if why else selected


FILTERS: dict[str, StateFilter] = {
    state.key: state
    for state in (
        StateFilter("queued", _L("Queued"), SendState.QUEUED),
        StateFilter(
            "accepted",
            _L("Awaiting status"),
            SendState.ACCEPTED,
            AWAITING_STATUS,
            "awaiting_status",
        ),
        StateFilter(
            "delivered",
            _L("Delivered"),
            SendState.ACCEPTED,
            (DeliveryState.DELIVERED,),
            "delivered_unread",
            # Delivered as a number has those who have read it too
            _L("Delivered, not read"),
        ),
        StateFilter("read", _L("Read"), SendState.ACCEPTED, (DeliveryState.READ,)),
        StateFilter("by_sms", _L("By SMS"), SendState.ACCEPTED, BY_SMS),
        StateFilter(
            "not_delivered", _L("Not delivered"), SendState.ACCEPTED, (DeliveryState.NOT_DELIVERED,)
        ),
        StateFilter("refused", _L("Refused"), SendState.REFUSED),
        StateFilter("unresolved", _L("Unresolved"), SendState.UNRESOLVED),
        StateFilter("cancelled", _L("Cancelled"), SendState.CANCELLED),
    )
}


# States that key figures count together; they have no chips.
GROUPS: dict[str, StateFilter] = {
    state.key: state
    for state in (
        StateFilter("taken", _L("Accepted by the gateway"), SendState.ACCEPTED, count="accepted"),
        StateFilter(
            "by_viber", _L("Delivered by Viber"), SendState.ACCEPTED, BY_VIBER, "delivered"
        ),
    )
}


@dataclass(frozen=True, slots=True)
class RecipientQuery:
    """What to show: a state, a country, a part of the phone, a reason within the state.

    "" and None stand for any. `whole_phone`: `phone` is all of it. `unreadable`: a value was given
    that cannot be read; then nobody is shown, and nobody exported. `links`: what they did with
    links, as keys of link_results.FILTERS with their values. `variant`: a letter.
    """

    state: StateFilter | None = None
    country: str = ""
    phone: str = ""
    why: str = ""
    whole_phone: bool = False
    unreadable: bool = False
    links: tuple[tuple[str, str], ...] = ()
    variant: str = ""

    def __bool__(self) -> bool:
        narrowed = self.state or self.country or self.phone or self.links or self.variant
        return bool(narrowed or self.unreadable)

    @property
    def more(self) -> tuple[tuple[str, str], ...]:
        """What they did with links, and their variant, as parameters of an address."""
        return (*self.links, *([("variant", self.variant)] if self.variant else ()))

    @property
    def more_query(self) -> str:
        """`more` as it follows other parameters of an address."""
        return "".join(f"&{name}={value}" for name, value in self.more)


def read_query(query: Mapping[str, str], *, masked: bool) -> RecipientQuery:
    """Return the filters in a query string; with a malformed one, they select nobody.

    `masked`: for somebody who sees phones masked, so that only a whole one is searched.
    """
    names = ("phone", "country", "state", "why", "variant", *link_results.FILTERS)
    given = {name: query.get(name, "").strip() for name in names}
    read_phone = queries.whole_phone if masked else parsing.searched_digits
    phone, country = read_phone(given["phone"])[:MSISDN_LENGTH], given["country"]
    state = FILTERS.get(given["state"]) or GROUPS.get(given["state"])
    links = tuple((name, given[name]) for name in link_results.FILTERS if given[name])
    has_reasons = state is not None and state.key in STATES_WITH_REASONS
    unreadable = (
        bool(given["phone"] and not phone)
        or bool(country and not is_country_code(country))
        or bool(given["state"] and not state)
        or bool(given["why"] and not has_reasons)
        or any(value not in (link_results.YES, link_results.NO) for _name, value in links)
        or given["variant"] not in ("", *LETTERS)
    )
    if unreadable:
        return RecipientQuery(unreadable=True)
    why = without_nul(given["why"][:40])
    return RecipientQuery(
        state,
        country,
        phone,
        why,
        whole_phone=masked and bool(phone),
        links=links,
        variant=given["variant"],
    )


def filter_recipients(campaign: Campaign, query: RecipientQuery) -> QuerySet[Recipient]:
    """Return the recipients of `campaign` that `query` selects."""
    if query.unreadable:
        return Recipient.objects.none()
    recipients = _in_any_state(campaign, query)
    return query.state.select(recipients, query.why) if query.state else recipients


def load_page(
    campaign: Campaign, query: RecipientQuery, counts: DeliveryCounts, at: str, size: int = PAGE
) -> Slice[Recipient]:
    """Return the page `at` of `size` rows of what `query` selects; `counts` are those of the
    campaign.
    """
    if query.unreadable:
        return Slice([])
    if not query.state or query.whole_phone or _by_first_digits(campaign, query):
        selected = filter_recipients(campaign, query)
        return read_slice(selected, page_column(campaign, query), at, size)
    parts = query.state.parts(_in_any_state(campaign, query), query.why, counts)
    return read_merged(parts, PAGE_COLUMN, at, size)


def _in_any_state(campaign: Campaign, query: RecipientQuery) -> QuerySet[Recipient]:
    """Return the recipients of the country, of the variant and with the phone that `query` names,
    who did with their links what it says.
    """
    by_first_digits = _by_first_digits(campaign, query)
    recipients = (
        _for_phone_index(campaign)
        if by_first_digits
        else Recipient.objects.filter(campaign=campaign)
    )
    if query.country:
        recipients = recipients.filter(country=query.country)
    for name, value in query.links:
        recipients = link_results.select(recipients, campaign.pk, name, value)
    if query.variant:
        recipients = variants.filter_variant(recipients, campaign, query.variant)
    if not query.phone:
        return recipients
    if query.whole_phone:
        return recipients.filter(msisdn=query.phone)
    if not by_first_digits:
        return recipients.filter(msisdn__contains=query.phone)
    first = parsing.first_digits(query.phone, settings.DEFAULT_COUNTRY)
    # all phones that begin with these digits, and no others
    return recipients.filter(msisdn__gte=first, msisdn__lte=first.ljust(MSISDN_LENGTH, "9"))


def _for_phone_index(campaign: Campaign) -> QuerySet[Recipient]:
    """Return the recipients of `campaign` so that SQLite uses the index of phones.

    It would otherwise read the whole campaign.
    """
    if connection.vendor != "sqlite":
        return Recipient.objects.filter(campaign=campaign)
    return Recipient.objects.alias(hidden=F("campaign_id") + 0).filter(hidden=campaign.pk)


def searches_any_part(campaign: Campaign) -> bool:
    """Whether the search finds any part of a phone, or else only its first digits."""
    return (campaign.audience or 0) <= ANY_PART_MAX


def page_column(campaign: Campaign, query: RecipientQuery) -> str:
    """Return the column that the pages of `query` are ordered by."""
    return PHONE_COLUMN if _by_first_digits(campaign, query) else PAGE_COLUMN


def _by_first_digits(campaign: Campaign, query: RecipientQuery) -> bool:
    is_part = bool(query.phone) and not query.whole_phone
    return is_part and not searches_any_part(campaign)


def count_recipients(counts: DeliveryCounts, query: RecipientQuery) -> int | None:
    """Return how many recipients `query` selects, from the tallies.

    None where the tallies don't say and every recipient would have to be read.
    """
    if query.unreadable:
        return 0
    if query.phone or query.country or query.links or query.variant:
        return None
    if not query.state:
        return counts.audience
    if not query.why:
        return query.state.number(counts)
    reasons = count_reasons(counts, query.state.key)
    return next((reason.number for reason in reasons if reason.key == query.why), 0)


def reason_text(recipient: Recipient) -> str:
    """Return why the recipient is in this state, or the last status."""
    if recipient.send_state in (SendState.REFUSED, SendState.CANCELLED):
        return refusal(recipient.error_code or 0, recipient.reason)[0]
    if recipient.send_state == SendState.UNRESOLVED:
        return _("Unknown whether the gateway accepted the message.")
    if recipient.send_state == SendState.QUEUED:
        return ""
    if recipient.delivery_state == DeliveryState.FALLBACK_DELIVERED:
        return _("%(reason)s; SMS delivered") % {"reason": status_label(recipient.status)}
    if recipient.delivery_state == DeliveryState.FALLBACK:
        return _("%(reason)s; SMS sent") % {"reason": status_label(recipient.status)}
    return status_label(recipient.status) if recipient.status not in ("delivered", "read") else ""


EXPORT_COLUMNS = (
    Column("phone", Kind.PHONE),
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
    Column("sms_currency"),
    Column("gateway_id"),
    Column("reference"),
    Column("purpose"),
    Column("clicks", Kind.NUMBER),
    Column("first_click_at", Kind.TIME),
    Column("opted_out_at", Kind.TIME),
    Column("conversions", Kind.NUMBER),
    Column("first_conversion_at", Kind.TIME),
    Column("revenue", Kind.MONEY),
    Column("revenue_currency"),
    Column("variant"),
    Column("name"),
)


def file_name(campaign: Campaign) -> str:
    """Return the name of the file of an export, without its extension."""
    return f"{campaign.purpose}-{campaign.pk}-recipients"


def export_rows(
    campaign: Campaign, query: RecipientQuery, masked: bool
) -> Iterator[tuple[Cell, ...]]:
    """Yield a row of EXPORT_COLUMNS for each recipient that `query` selects.

    Read by ranges of batches, so that memory stays flat on every database.
    """
    everybody = Recipient.objects.filter(campaign=campaign)
    last = everybody.order_by(f"-{PAGE_COLUMN}").values_list(PAGE_COLUMN, flat=True).first()
    selected = filter_recipients(campaign, query).order_by(PAGE_COLUMN, "pk")
    step = EXPORT_ROWS // MAX_RECIPIENTS  # batches
    for first, end in pairwise(range(0, (last or 0) + step + 1, step)):
        found = list(selected.filter(batch_number__gte=first, batch_number__lt=end))
        ids = [recipient.pk for recipient in found] if campaign.has_short_links else []
        results = link_results.load_link_results(ids)
        letters = variants.load_letters(campaign, first, end)
        names = names_of([recipient.msisdn for recipient in found])
        for recipient in found:
            done = results.get(recipient.pk, link_results.NOTHING)
            letter = letters.get(recipient.batch_number, "")
            name = names.get(recipient.msisdn, "")
            others = (letter, mask_phones_in(name) if masked else name)
            yield (*_export_row(recipient, masked), campaign.purpose, *_link_cells(done), *others)


def _link_cells(done: link_results.LinkResult) -> tuple[Cell, ...]:
    """What a recipient did with links. Of several currencies there is no revenue, as of prices."""
    conversions = done.conversions
    [(currency, revenue)] = (
        conversions.revenue.items()
        if len(conversions.revenue) == 1
        else [("several" if conversions.revenue else "", None)]
    )
    return (
        done.clicks, done.first_click_at, done.opted_out_at,
        conversions.number, conversions.first_at, revenue, currency,
    )  # fmt: skip


def _export_row(recipient: Recipient, masked: bool) -> tuple[Cell, ...]:
    phone = mask_phone(recipient.msisdn) if masked else recipient.msisdn
    return (
        phone, recipient.country, state_label(recipient), reason_text(recipient), recipient.status,
        recipient.error_code, recipient.sent_at, recipient.delivered_at, recipient.currency,
        viber_price(recipient), recipient.sms_price, sms_currency(recipient),
        recipient.gateway_id, recipient.reference,
    )  # fmt: skip


def sms_currency(recipient: Recipient) -> str:
    """The currency of the price of the SMS; "" without a price, "several" for more than one."""
    if recipient.sms_currency == SEVERAL_CURRENCIES:
        return "several"
    return "" if recipient.sms_price is None else recipient.currency_of_sms


def state_label(recipient: Recipient) -> str:
    """Return the label of the filter that finds this recipient."""
    state = FILTERS.get(state_key(recipient))
    return str(state.label) if state else recipient.send_state


def state_key(recipient: Recipient) -> str:
    """Return the key of the filter that finds this recipient."""
    for state in FILTERS.values():
        if state.send_state == recipient.send_state and recipient.delivery_state in (
            state.deliveries or ALL_STATES
        ):
            return state.key
    return recipient.send_state


def viber_price(recipient: Recipient) -> Decimal | None:
    """Return the latest price of the Viber message; None where it is not known yet."""
    latest: Decimal | None = recipient.viber_price
    return recipient.charged if latest is None else latest
