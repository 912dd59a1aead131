"""Where one campaign stands now: the live part of its page."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from campaigns.compose.launch import lifecycle, pause_reasons
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing.price_list import VIBER, stored_prices
from campaigns.dispatch.models import Snapshot
from campaigns.reports.campaign.waiting import Waiting, waiting
from campaigns.reports.shared.bills import Bill, campaign_bills
from campaigns.reports.shared.outcomes import Outcome, Share, by_country
from campaigns.reports.spend.entries import address
from campaigns.shared.money import ZERO

LIVE, RESTING, TRICKLING = 2, 10, 30  # seconds between two looks
PER_PERSON, PER_READER = _("Per person reached"), _("Per reader")
FINE = Decimal("0.0001")
LISTENING = timedelta(days=2)  # after the end, statuses and prices still come in
JUST = timedelta(minutes=5)  # after the end, most of them do


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many are left, `whole` to compare them with, and the filter of
    the people.
    """

    label: str | Promise
    number: int
    whole: int
    state: str = ""  # a key of recipients.FILTERS or GROUPS; "" for everybody
    why: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """People who did not make it into the audience, and why."""

    label: str | Promise
    number: int


@dataclass(frozen=True, slots=True)
class Unit:
    """An amount for one of something."""

    label: str | Promise
    amount: Decimal
    currency: str


@dataclass(slots=True)
class Estimate:
    """What one currency's part of the campaign was to cost."""

    currency: str
    amount: Decimal = ZERO


@dataclass
class CampaignProgress:
    campaign: Campaign
    outcome: Outcome
    bill: Bill
    snapshot: Snapshot | None
    estimates: list[Estimate]

    @property
    def refresh_seconds(self) -> int | None:
        """Seconds until the page looks again; None when nothing moves any more."""
        state = self.campaign.state
        if state in (CampaignState.PREPARING, CampaignState.SENDING):
            return LIVE
        if state in (
            CampaignState.PAUSED,
            CampaignState.SCHEDULED,
            CampaignState.AWAITING_APPROVAL,
        ):
            return RESTING
        if state == CampaignState.CANCELLED and self.outcome.queued:
            # whoever waits is being called off
            return LIVE if self._ended_within(JUST) else RESTING
        if not self._listens():
            return None
        return RESTING if self._ended_within(JUST) else TRICKLING

    def _listens(self) -> bool:
        unsettled = self.outcome.open or self.outcome.delivered_unread or self.bill.not_yet_known
        return bool(unsettled) and self._ended_within(LISTENING)

    def _ended_within(self, span: timedelta) -> bool:
        ended = self.campaign.finished_at
        return ended is not None and timezone.now() - ended < span

    @property
    def reason(self) -> pause_reasons.PauseReason | None:
        """Why it is paused."""
        paused = self.campaign.state == CampaignState.PAUSED and self.campaign.reason
        return pause_reasons.pause_reason(self.campaign.reason) if paused else None

    @cached_property
    def waiting(self) -> list[Waiting]:
        """Who waits for the sending hours."""
        return waiting(self.campaign)

    @property
    def frozen(self) -> int:
        """People frozen so far, while it is preparing."""
        return self.snapshot.left if self.snapshot else 0

    @property
    def left_out(self) -> list[Left]:
        """Between those chosen and the audience."""
        if not self.snapshot:
            return []
        found = [
            Left(_("The same phone again"), self.snapshot.repeated),
            Left(_("On the stop list"), self.snapshot.stop_listed),
            Left(_("Left out"), self.snapshot.excluded),
        ]
        return [left for left in found if left.number]

    @property
    def funnel(self) -> list[Step]:
        """From the audience to the readers."""
        outcome, audience = self.outcome, self.outcome.audience
        steps = [
            Step(_("Audience"), audience, audience),
            Step(_("Accepted by the gateway"), outcome.accepted, audience, "taken"),
            Step(_("Delivered by Viber"), outcome.delivered, audience, "by_viber"),
            Step(_("Read"), outcome.read, audience, "read"),
        ]
        if outcome.by_sms:
            steps.append(Step(_("SMS sent instead"), outcome.by_sms, audience, "by_sms"))
            steps.append(
                Step(_("SMS delivered"), outcome.sms_delivered, audience, "by_sms", "sms_delivered")
            )
        return steps

    @property
    def ledger(self) -> dict[str, str]:
        """The addresses of its entries: "all", and those of each channel."""
        return {
            "all": address(self.campaign),
            **{one: address(self.campaign, channel=one) for one in ("viber", "sms")},
        }

    @property
    def per_person(self) -> list[Unit]:
        """What one delivered and one read message cost, the SMS that went out instead included."""
        found = []
        for cost in self.bill.costs:
            for label, people in (
                (PER_PERSON, self.outcome.reached),
                (PER_READER, self.outcome.read),
            ):
                if people:
                    found.append(Unit(label, (cost.total / people).quantize(FINE), cost.currency))
        return found

    @property
    def losses(self) -> list[tuple[str, list[Share]]]:
        """Whom the message did not reach: a key of recipients.FILTERS, and the reasons."""
        outcome = self.outcome
        found = [
            ("not_delivered", outcome.undelivered_shares),
            ("refused", outcome.refused_shares),
            ("cancelled", outcome.cancelled_shares),
        ]
        return [(state, shares) for state, shares in found if shares]


def load_progress(campaign: Campaign) -> CampaignProgress:
    """Four queries: tallies, totals, snapshot, price list."""
    snapshot = Snapshot.objects.filter(pk=campaign.pk).first()
    countries = by_country(campaign.pk)
    outcome = Outcome(_audience(campaign, snapshot))
    for part in countries.values():
        outcome.merge(part)
    bill = campaign_bills([campaign.pk])[campaign.pk]
    return CampaignProgress(campaign, outcome, bill, snapshot, _estimates(campaign, countries))


def _audience(campaign: Campaign, snapshot: Snapshot | None) -> int:
    """The frozen audience; of a campaign that was cancelled before it was complete, those who were
    in it by then.
    """
    if campaign.audience is None and campaign.state in lifecycle.FINAL and snapshot:
        return snapshot.left
    return campaign.audience or 0


def _estimates(campaign: Campaign, countries: dict[str, Outcome]) -> list[Estimate]:
    """What Viber was to cost for those accepted, by the price list as last fetched, a currency."""
    known = stored_prices(VIBER, campaign.tariff)
    found: dict[str, Estimate] = {}
    for country, outcome in countries.items():
        if outcome.accepted and (price := known.of(country)):
            estimate = found.setdefault(price.currency, Estimate(price.currency))
            estimate.amount += price.amount * outcome.accepted
    return [found[currency] for currency in sorted(found)]
