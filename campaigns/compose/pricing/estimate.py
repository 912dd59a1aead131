"""The estimated cost of a campaign.

The minimum is the cost if Viber reaches everybody, the maximum if each recipient gets the more
expensive of Viber and SMS.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.formats import number_format

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.price_list import Prices, UnitPrice
from campaigns.contacts.phones import countries
from campaigns.shared.money import ZERO, exact, on_card

PartCounts = Mapping[int, int]  # SMS parts -> recipients; {0: recipients} without a fallback


@dataclass(frozen=True, slots=True)
class CountryCost:
    """The cost in one country, in `currency`. None is not known."""

    country: str
    name: str  # the gateway's name for the country, else ours
    recipients: int
    viber: UnitPrice | None
    sms: UnitPrice | None
    sms_parts: int  # of all recipients together
    least: Decimal | None
    most: Decimal | None
    currency: str


@dataclass(slots=True)
class CostRange:
    """The minimum and the maximum in one currency, over the prices that are known."""

    least: Decimal = ZERO
    most: Decimal = ZERO


@dataclass(slots=True)
class Estimate:
    """The cost of all countries, and its sums by currency.

    The sums do not contain the `unpriced` recipients, whose Viber price is not known. For the
    `sms_unpriced` the SMS price is not known, so the maximum counts their Viber price alone.
    """

    lines: list[CountryCost] = field(default_factory=list)
    totals: dict[str, CostRange] = field(default_factory=dict)
    recipients: int = 0
    unpriced: int = 0
    sms_unpriced: int = 0
    viber: Prices | None = None
    sms: Prices | None = None

    @property
    def is_incomplete(self) -> bool:
        """Whether the sums lack prices that are not known."""
        return bool(self.totals and (self.unpriced or self.sms_unpriced))

    @property
    def failures(self) -> list[str]:
        """The reasons why prices are missing or old, each once."""
        return list(
            dict.fromkeys(
                prices.failure for prices in (self.viber, self.sms) if prices and prices.failure
            )
        )

    def add(self, line: CountryCost) -> None:
        """Add a country, also to the sums."""
        self.lines.append(line)
        self.recipients += line.recipients
        if line.least is None:
            self.unpriced += line.recipients
            return
        if line.most is None:
            self.sms_unpriced += line.recipients
        total = self.totals.setdefault(line.currency, CostRange())
        total.least += line.least
        total.most += line.least if line.most is None else line.most


def estimate_cost(
    campaign: Campaign, measured: MeasuredAudience | None = None, refresh: bool = False
) -> Estimate:
    """Estimate the cost of `campaign` by country.

    `measured` is its audience, if it is measured already. `refresh` asks the gateway for
    its prices again.
    """
    measured = measured or measure_now(Audience.of(campaign), compile_message(campaign))
    estimate = Estimate(viber=price_list.load_prices(price_list.VIBER, campaign.tariff, refresh))
    if campaign.sms_text:
        estimate.sms = price_list.load_prices(price_list.SMS, campaign.tariff, refresh)
    for country, recipients in _recipients(campaign, measured):
        estimate.add(_country_cost(country, recipients, estimate))
    return estimate


def _recipients(campaign: Campaign, measured: MeasuredAudience) -> Iterator[tuple[str, PartCounts]]:
    """Each country with its recipients by SMS parts, the most recipients first."""
    if not campaign.sms_text:
        yield from (
            (country, {0: recipients}) for country, recipients in measured.countries.items()
        )
        return
    by_country: dict[str, Counter[int]] = defaultdict(Counter)
    for (country, parts), recipients in measured.sms.recipients.items():
        by_country[country][parts] += recipients
    for country, recipients in measured.countries.items():
        # whoever lacks a value, and gets no SMS before there is a fallback value: a part at least
        if others := recipients - by_country[country].total():
            by_country[country][1] += others
    yield from sorted(by_country.items(), key=lambda item: (-item[1].total(), item[0]))


def _country_cost(country: str, recipients: PartCounts, estimate: Estimate) -> CountryCost:
    viber = estimate.viber.of(country) if estimate.viber else None
    sms = estimate.sms.of(country) if estimate.sms else None
    count = sum(recipients.values())
    gateway_name = estimate.viber.names.get(country) if estimate.viber else ""
    return CountryCost(
        country=country,
        name=gateway_name or countries.name(country),
        recipients=count,
        viber=viber,
        sms=sms,
        sms_parts=sum(parts * number for parts, number in recipients.items()),
        least=viber.amount * count if viber else None,
        most=_maximum(recipients, viber, sms, has_fallback=estimate.sms is not None),
        currency=viber.currency if viber else "",
    )


def _maximum(
    recipients: PartCounts, viber: UnitPrice | None, sms: UnitPrice | None, *, has_fallback: bool
) -> Decimal | None:
    """The higher price for each recipient: either Viber is charged or the SMS, never both."""
    if viber is None:
        return None
    if not has_fallback:
        return viber.amount * sum(recipients.values())
    if sms is None or sms.currency != viber.currency:
        return None
    return sum(
        (max(viber.amount, sms.amount * parts) * number for parts, number in recipients.items()),
        ZERO,
    )


def format_amount(amount: Decimal, currency: str = "") -> str:
    """Format `amount` as cards show it, as plain text: "1,234.50 EUR"."""
    return f"{number_format(exact(on_card(amount)), force_grouping=True)} {currency}".rstrip()
