"""The progress of one campaign: the part of its page that updates by itself."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing.price_list import VIBER, stored_prices
from campaigns.dispatch.models import Snapshot
from campaigns.reports.shared import rates
from campaigns.reports.shared.bills import Bill, load_campaign_bills
from campaigns.reports.shared.click_counts import count_clickers
from campaigns.reports.shared.conversion_counts import ConversionCounts, load_conversions
from campaigns.reports.shared.delivery_counts import (
    DeliveryCounts,
    ReasonCount,
    load_country_counts,
)
from campaigns.reports.spend.entries import ledger_url
from campaigns.reports.statuses.campaign_status import DEPENDENT, CampaignStatus, campaign_status
from campaigns.reports.statuses.conditions import load_conditions
from campaigns.reports.statuses.facts import Facts, load_facts
from campaigns.reports.statuses.variant_phase import Phase
from campaigns.reports.statuses.waiting import WaitingRecipients
from campaigns.shared.money import ZERO

FAST, MEDIUM, SLOW = 2, 10, 30  # seconds between two updates of the page
SETTLING = timedelta(days=2)  # after the end, statuses and prices still come in
JUST_ENDED = timedelta(minutes=5)  # after the end, most of them do


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of the delivery funnel: `number` of `whole` recipients, who are a base of rates.

    `state` and `why` filter the table of recipients: a key of recipients.FILTERS or GROUPS ("" for
    everybody), and a reason within it. `link_filter`: what they did with its links, instead.
    """

    label: str | Promise
    number: int
    whole: int = 0
    base: str = rates.AUDIENCE
    state: str = ""
    why: str = ""
    link_filter: str = ""

    @property
    def share(self) -> str:
        """The share with what it is a share of."""
        return rates.share_text(self.number, self.whole, self.base)

    @property
    def query(self) -> str:
        """The query string that opens these recipients."""
        if self.link_filter:
            return f"?{self.link_filter}=yes"
        if not self.state:
            return ""
        return f"?state={self.state}&why={self.why}" if self.why else f"?state={self.state}"


@dataclass(frozen=True, slots=True)
class ExcludedCount:
    """Contacts who were selected but are not in the audience, for one reason."""

    label: str | Promise
    number: int


@dataclass
class CampaignProgress:
    """`estimates`: what Viber was expected to cost, by currency. `clickers`: recipients who
    clicked; None where no link is tracked, as `conversions` where those are not.
    """

    campaign: Campaign
    counts: DeliveryCounts
    bill: Bill
    snapshot: Snapshot | None
    estimates: dict[str, Decimal]
    clickers: int | None = None
    conversions: ConversionCounts | None = None

    @property
    def refresh_seconds(self) -> int | None:
        """Seconds until the page updates; None when nothing changes any more."""
        state = self.campaign.state
        if state in (CampaignState.PREPARING, CampaignState.SENDING):
            return MEDIUM if self.status.is_stopped or self.phase.is_open else FAST
        if state in (
            CampaignState.PAUSED,
            CampaignState.SCHEDULED,
            CampaignState.AWAITING_APPROVAL,
        ):
            return MEDIUM
        if state == CampaignState.CANCELLED and self.counts.queued:
            # the queued recipients are being cancelled
            return FAST if self._ended_within(JUST_ENDED) else MEDIUM
        if not self._is_settling():
            return None
        return MEDIUM if self._ended_within(JUST_ENDED) else SLOW

    def _is_settling(self) -> bool:
        counts = self.counts
        unsettled = counts.awaiting_status or counts.delivered_unread or self.bill.not_yet_known
        return bool(unsettled) and self._ended_within(SETTLING)

    def _ended_within(self, duration: timedelta) -> bool:
        ended = self.campaign.finished_at
        return ended is not None and timezone.now() - ended < duration

    @cached_property
    def facts(self) -> Facts:
        """What is known of it while it is under way."""
        [facts] = load_facts([(self.campaign, self.counts)])
        return facts

    @cached_property
    def status(self) -> CampaignStatus:
        """What may be said of it."""
        conditions = load_conditions() if self.campaign.state in DEPENDENT else None
        return campaign_status(self.facts, conditions)

    @property
    def waiting(self) -> list[WaitingRecipients]:
        """Recipients who wait for the sending hours."""
        return self.facts.waiting

    @property
    def phase(self) -> Phase:
        """Where the test of its variants is."""
        return self.facts.phase

    @property
    def fingerprint(self) -> str:
        """Differs if any recipient is in another state, or there are more of them."""
        numbers = (self.frozen, self.clickers, self.campaign.state)
        return self.counts.fingerprint(*numbers)

    @property
    def seen(self) -> str:
        """The query string by which a page says what it shows."""
        return f"?seen={self.fingerprint}"

    @property
    def is_over_budget(self) -> bool:
        """Whether it is paused because of its own budget."""
        is_paused = self.campaign.state == CampaignState.PAUSED
        return is_paused and self.campaign.reason in ("budget", "budget_currency")

    @property
    def frozen(self) -> int:
        """Recipients in the audience so far, while it is being prepared."""
        return self.snapshot.left if self.snapshot else 0

    @property
    def excluded(self) -> list[ExcludedCount]:
        """Who was selected but is not in the audience."""
        if not self.snapshot:
            return []
        excluded = [
            ExcludedCount(_("Duplicates"), self.snapshot.repeated),
            ExcludedCount(_("On the stop list"), self.snapshot.stop_listed),
            ExcludedCount(_("Excluded"), self.snapshot.excluded),
            ExcludedCount(_("No consent"), self.snapshot.without_consent),
            ExcludedCount(_("Reached the frequency cap"), self.snapshot.capped),
        ]
        return [count for count in excluded if count.number]

    @property
    def funnel(self) -> list[FunnelStep]:
        """From the audience to the readers, and to those who clicked and
        converted.
        """
        steps = [
            FunnelStep(_("Audience"), self.counts.audience),
            self._step(_("Accepted by the gateway"), "accepted", "taken"),
            self._step(_("Delivered by Viber"), "delivered", "by_viber"),
            self._step(_("Read"), "read", "read"),
        ]
        if self.clickers is not None:
            steps.append(self._link_step(_("Clicked"), self.clickers, "clicked"))
        if self.conversions:
            converted = self.conversions.recipients
            steps.append(self._link_step(_("Converted"), converted, "converted"))
        if self.counts.by_sms:
            steps += [
                self._step(_("By SMS"), "by_sms", "by_sms"),
                self._step(_("SMS delivered"), "sms_delivered", "by_sms", "sms_delivered"),
            ]
        return steps

    def _step(self, label: str | Promise, count: str, state: str, why: str = "") -> FunnelStep:
        base = rates.BASE_OF[count]
        number, whole = getattr(self.counts, count), getattr(self.counts, base)
        return FunnelStep(label, number, whole, base, state, why)

    def _link_step(self, label: str | Promise, number: int, name: str) -> FunnelStep:
        whole = self.counts.reached
        return FunnelStep(label, number, whole, rates.REACHED, link_filter=name)

    @property
    def ledger_urls(self) -> dict[str, str]:
        """The addresses of its ledger entries: "all", and those of each channel."""
        return {
            "all": ledger_url(self.campaign),
            "viber": ledger_url(self.campaign, channel="viber"),
            "sms": ledger_url(self.campaign, channel="sms"),
        }

    @property
    def undelivered(self) -> list[tuple[str, list[ReasonCount]]]:
        """Whom the message did not reach: keys of recipients.FILTERS, each with its reasons."""
        counts = self.counts
        by_state = [
            ("not_delivered", counts.undelivered_reasons),
            ("refused", counts.refusal_reasons),
            ("cancelled", counts.cancellation_reasons),
        ]
        return [(state, reasons) for state, reasons in by_state if reasons]


def load_progress(campaign: Campaign) -> CampaignProgress:
    """Load the progress by four queries: tallies, totals, snapshot, price list; and one for the
    clicks and two for the conversions where these are tracked.
    """
    snapshot = Snapshot.objects.filter(pk=campaign.pk).first()
    by_country = load_country_counts(campaign.pk)
    counts = DeliveryCounts(_audience(campaign, snapshot))
    for country_counts in by_country.values():
        counts.merge(country_counts)
    bill = load_campaign_bills([campaign.pk])[campaign.pk]
    clickers = count_clickers([campaign]).get(campaign.pk)
    estimates = _estimates(campaign, by_country)
    conversions = load_conversions([campaign]).get(campaign.pk)
    return CampaignProgress(campaign, counts, bill, snapshot, estimates, clickers, conversions)


def _audience(campaign: Campaign, snapshot: Snapshot | None) -> int:
    """Return the size of the frozen audience.

    For a campaign that was cancelled while its audience was being frozen, the part frozen by then.
    """
    if campaign.audience is None and campaign.state in lifecycle.FINAL and snapshot:
        return snapshot.left
    return campaign.audience or 0


def _estimates(campaign: Campaign, by_country: dict[str, DeliveryCounts]) -> dict[str, Decimal]:
    """Return what Viber costs for all accepted recipients by the stored price list, by currency."""
    prices = stored_prices(VIBER, campaign.tariff)
    estimates: dict[str, Decimal] = {}
    for country, counts in by_country.items():
        if counts.accepted and (price := prices.of(country)):
            estimates.setdefault(price.currency, ZERO)
            estimates[price.currency] += price.amount * counts.accepted
    return estimates
