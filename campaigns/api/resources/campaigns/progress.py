"""The progress and the results of a campaign, in numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from campaigns.api.access import Needs
from campaigns.api.resources.campaigns.schemas import CampaignId, find_campaign
from campaigns.api.schemas import Money, money
from campaigns.compose.launch.pause_reasons import reason_text
from campaigns.compose.launch.reachable import waiting_text
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import as_variant, letters_of
from campaigns.compose.models import CampaignState
from campaigns.dispatch.budgets.reservations import spending_by_currency
from campaigns.reports.campaign.clicks import load_figures
from campaigns.reports.campaign.progress import CampaignProgress, load_progress
from campaigns.reports.shared.bills import Bill, Cost, load_country_bills
from campaigns.reports.shared.delivery_counts import DeliveryCounts, load_country_counts
from campaigns.reports.shared.opt_outs import load_opt_outs
from campaigns.shared.money import exact
from campaigns.team import accounts
from campaigns.team.permissions import Permission

router = Router(tags=["Results"])


class CountsOut(Schema):
    """Recipients by what became of them. The audience is `queued`, `accepted`, `refused`,
    `unresolved` and `cancelled` together.
    """

    audience: int
    queued: int
    accepted: Annotated[int, Field(description="By the gateway.")]
    refused: int
    unresolved: Annotated[int, Field(description="It is not known whether they were accepted.")]
    cancelled: int
    awaiting_status: int
    delivered: Annotated[int, Field(description="By Viber, read or not.")]
    read: int
    by_sms: int
    sms_delivered: int
    not_delivered: int


class CostOut(Schema):
    """What was spent in one currency: `total` is the sum of the other parts but `charged`."""

    currency: str
    viber: str
    sms: str
    fee: str
    correction: str
    total: str
    charged: Annotated[str, Field(description="What Viber cost when messages were accepted.")]


class BillOut(Schema):
    costs: Annotated[list[CostOut], Field(description="By currency.")]
    unknown: Annotated[int, Field(description="Prices that are not known yet.")]
    entries: Annotated[int, Field(description="Entries of the ledger.")]


class ExcludedOut(Schema):
    duplicates: int
    stop_listed: int
    excluded: int
    capped: Annotated[int, Field(description="They had reached the frequency cap.")]
    without_consent: int


class ReasonOut(Schema):
    state: str
    why: Annotated[str, Field(description="For the filter `why` of recipients.")]
    number: int
    reason: str
    next_step: str


class WaitingOut(Schema):
    until: Annotated[datetime | None, Field(description="null: never with the hours set now")]
    number: int
    countries: list[str]


class CountryOut(Schema):
    country: Annotated[str, Field(description='"": unknown')]
    counts: CountsOut
    bill: BillOut


class LinkOut(Schema):
    number: int
    field: Annotated[str, Field(description="`button_url`, `text` or `sms_text`.")]
    variant: Annotated[str, Field(description='The variant it is in; "" without variants.')]
    target: Annotated[str, Field(description="As it is written, with merge tags.")]
    clicks: int
    clickers: int


class RevenueOut(Money):
    """Of conversions, in one currency."""

    return_on_cost: Annotated[
        str | None, Field(description="Revenue divided by cost; null: no cost in this currency.")
    ]


class ConversionsOut(Schema):
    """What other systems reported of its clicks."""

    conversions: int
    recipients: Annotated[int, Field(description="Who converted, each once.")]
    revenue: Annotated[list[RevenueOut], Field(description="By currency.")]


class ClicksOut(Schema):
    """Clicks of people on tracked links; those of programs are only in `machine_clicks`."""

    clicks: int
    clickers: Annotated[int, Field(description="Recipients who clicked, each once.")]
    machine_clicks: int
    links: list[LinkOut]
    opt_outs: Annotated[int, Field(description="Recipients who unsubscribed by its link.")]
    conversions: Annotated[
        ConversionsOut | None, Field(description="null: the campaign does not track them.")
    ]


class ProgressOut(Schema):
    state: CampaignState
    reason: Annotated[str | None, Field(description="Why it is paused, and what to do.")]
    notice: Annotated[str | None, Field(description="Why it waits for another account.")]
    poll_after: Annotated[int | None, Field(description="Seconds; null: nothing changes any more.")]
    rate: Annotated[int | None, Field(description="The limit in recipients per second.")]
    prepared: Annotated[int, Field(description="Recipients in the audience so far.")]
    counts: CountsOut
    excluded: ExcludedOut
    undelivered: Annotated[list[ReasonOut], Field(description="Whom it did not reach, and why.")]
    waiting: Annotated[list[WaitingOut], Field(description="For the sending hours.")]
    clicks: Annotated[
        ClicksOut | None, Field(description="null: the messages have no short links.")
    ]
    bill: BillOut
    estimates: Annotated[list[Money], Field(description="What Viber was expected to cost.")]
    reserved: Annotated[list[Money], Field(description="For messages under way.")]
    budget: Money | None
    countries: list[CountryOut]


@router.get(
    "campaigns/{campaign_id}/progress",
    summary="Get progress and results",
    response=ProgressOut,
    auth=Needs(Permission.VIEW),
)
def get_progress(request: HttpRequest, campaign_id: CampaignId) -> Any:
    """How far a campaign is and what became of its messages: the numbers of its page."""
    campaign = find_campaign(request, campaign_id)
    progress = load_progress(campaign)
    spending, budget = spending_by_currency(campaign.pk), campaign.budget
    return ProgressOut(
        state=CampaignState(campaign.state),
        reason=reason_text(campaign) or None,
        notice=waiting_text(campaign, accounts.cached()) or None,
        poll_after=progress.refresh_seconds,
        rate=campaign.rate,
        prepared=progress.frozen,
        counts=counts_out(progress.counts),
        excluded=_excluded(progress),
        undelivered=_reasons(progress),
        waiting=[
            WaitingOut(until=each.until, number=each.number, countries=each.countries)
            for each in progress.waiting
        ],
        clicks=_clicks(progress) if campaign.has_short_links else None,
        bill=bill_out(progress.bill),
        estimates=_amounts(progress.estimates),
        reserved=_amounts(
            {currency: each.reserved for currency, each in spending.items() if each.reserved}
        ),
        budget=None if budget is None else money(budget, campaign.budget_currency),
        countries=_countries(campaign.pk),
    )


def counts_out(counts: DeliveryCounts) -> CountsOut:
    """Recipients by what became of them."""
    return CountsOut(**{name: getattr(counts, name) for name in CountsOut.model_fields})


def bill_out(bill: Bill) -> BillOut:
    """What was spent, by currency."""
    return BillOut(
        costs=[cost_out(cost) for cost in bill.costs],
        unknown=bill.not_yet_known,
        entries=bill.entries,
    )


def cost_out(cost: Cost) -> CostOut:
    """What was spent in one currency."""
    amounts = set(CostOut.model_fields) - {"currency"}
    return CostOut(currency=cost.currency, **{name: exact(getattr(cost, name)) for name in amounts})


def _amounts(amounts: dict[str, Decimal]) -> list[Money]:
    return [money(amount, currency) for currency, amount in sorted(amounts.items())]


def _excluded(progress: CampaignProgress) -> ExcludedOut:
    snapshot = progress.snapshot
    return ExcludedOut(
        duplicates=snapshot.repeated if snapshot else 0,
        stop_listed=snapshot.stop_listed if snapshot else 0,
        excluded=snapshot.excluded if snapshot else 0,
        capped=snapshot.capped if snapshot else 0,
        without_consent=snapshot.without_consent if snapshot else 0,
    )


def _reasons(progress: CampaignProgress) -> list[ReasonOut]:
    return [
        ReasonOut(
            state=state,
            why=each.key,
            number=each.number,
            reason=str(each.reason),
            next_step=str(each.next_step),
        )
        for state, reasons in progress.undelivered
        for each in reasons
    ]


def _clicks(progress: CampaignProgress) -> ClicksOut:
    figures = load_figures(progress.campaign, progress.counts)
    opt_outs = load_opt_outs(progress.campaign, progress.counts)
    campaign = progress.campaign
    fields = {
        letter: [link.field for link in tracking_of(as_variant(campaign, letter)).links]
        for letter in (*letters_of(campaign), "")
    }
    return ClicksOut(
        clicks=figures.clicks,
        clickers=figures.clickers,
        machine_clicks=figures.machine_clicks,
        opt_outs=opt_outs.number,
        conversions=_conversions(progress),
        links=[
            LinkOut(
                number=count.key,
                field=fields[count.variant][count.key],
                variant=count.variant,
                target=count.detail,
                clicks=count.clicks,
                clickers=count.clickers,
            )
            for count in figures.links
        ],
    )


def _conversions(progress: CampaignProgress) -> ConversionsOut | None:
    made = progress.conversions
    if made is None:
        return None
    returns = made.returns(progress.bill)
    return ConversionsOut(
        conversions=made.number,
        recipients=made.recipients,
        revenue=[
            RevenueOut(
                amount=exact(amount),
                currency=name,
                return_on_cost=exact(returns[name]) if name in returns else None,
            )
            for name, amount in made.revenue.items()
        ],
    )


def _countries(campaign_id: int) -> list[CountryOut]:
    bills = load_country_bills(campaign_id)
    return [
        CountryOut(
            country=code, counts=counts_out(counts), bill=bill_out(bills.get(code) or Bill())
        )
        for code, counts in load_country_counts(campaign_id).items()
    ]
