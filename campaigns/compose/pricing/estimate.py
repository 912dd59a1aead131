"""What a campaign will cost: at least, when Viber reaches everybody; at most, when the dearer way
is taken.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.formats import number_format

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.price_list import Price, Prices
from campaigns.contacts.phones import countries
from campaigns.shared.money import ZERO, exact, on_card

Parts = Mapping[int, int]  # SMS parts -> people; {0: people} without a fallback


@dataclass(frozen=True, slots=True)
class CountryCost:
    """One country. An amount that is None is not known; `least` and `most` are in `currency`."""

    country: str
    name: str  # of the country, as the gateway calls it; where it names none, as we do
    people: int
    viber: Price | None
    sms: Price | None
    sms_parts: int  # of everybody together
    least: Decimal | None
    most: Decimal | None
    currency: str


@dataclass(slots=True)
class CostRange:
    """The sums of one currency, over what is known."""

    least: Decimal = ZERO
    most: Decimal = ZERO


@dataclass(slots=True)
class Estimate:
    """All countries, the sums by currency, and what they leave out.

    For `unpriced` people no Viber price is known; for `sms_unpriced` none of the SMS, so the most
    is not known.
    """

    lines: list[CountryCost] = field(default_factory=list)
    totals: dict[str, CostRange] = field(default_factory=dict)
    people: int = 0
    unpriced: int = 0
    sms_unpriced: int = 0
    viber: Prices | None = None
    sms: Prices | None = None

    @property
    def failures(self) -> list[str]:
        """What the gateway did not tell, once each."""
        return list(
            dict.fromkeys(
                found.failure for found in (self.viber, self.sms) if found and found.failure
            )
        )

    def add(self, line: CountryCost) -> None:
        """Put `line` in, and into the sums."""
        self.lines.append(line)
        self.people += line.people
        if line.least is None:
            self.unpriced += line.people
            return
        if line.most is None:
            self.sms_unpriced += line.people
        total = self.totals.setdefault(line.currency, CostRange())
        total.least += line.least
        total.most += line.least if line.most is None else line.most


def estimate_cost(
    campaign: Campaign, measured: MessageLengths | None = None, refresh: bool = False
) -> Estimate:
    """What `campaign` will cost by country. `measured` as in `checks.problems`; `refresh` asks for
    the prices anew.
    """
    measured = measured or MessageLengths(Audience.of(campaign), compile_message(campaign))
    found = Estimate(viber=price_list.load_prices(price_list.VIBER, campaign.tariff, refresh))
    if campaign.sms_text:
        found.sms = price_list.load_prices(price_list.SMS, campaign.tariff, refresh)
    for country, people in _people(campaign, measured):
        found.add(_line(country, people, found))
    return found


def _people(campaign: Campaign, measured: MessageLengths) -> Iterator[tuple[str, Parts]]:
    """Each country with how many people get how many SMS parts, the largest first."""
    if not campaign.sms_text:
        yield from (
            (country, {0: people}) for country, people in measured.audience.by_country().items()
        )
        return
    by_country: dict[str, Counter[int]] = defaultdict(Counter)
    for (country, parts), people in measured.sms.people.items():
        by_country[country][parts] += people
    yield from sorted(by_country.items(), key=lambda item: (-item[1].total(), item[0]))


def _line(country: str, people: Parts, found: Estimate) -> CountryCost:
    viber = found.viber.of(country) if found.viber else None
    sms = found.sms.of(country) if found.sms else None
    count = sum(people.values())
    return CountryCost(
        country=country,
        name=(found.viber.names.get(country) if found.viber else "") or countries.name(country),
        people=count,
        viber=viber,
        sms=sms,
        sms_parts=sum(parts * n for parts, n in people.items()),
        least=viber.amount * count if viber else None,
        most=_most(people, viber, sms, found.sms is not None),
        currency=viber.currency if viber else "",
    )


def _most(
    people: Parts, viber: Price | None, sms: Price | None, falls_back: bool
) -> Decimal | None:
    """The dearer of the two, person by person: what Viber does not deliver costs nothing there."""
    if viber is None:
        return None
    if not falls_back:
        return viber.amount * sum(people.values())
    if sms is None or sms.currency != viber.currency:
        return None
    return sum((max(viber.amount, sms.amount * parts) * n for parts, n in people.items()), ZERO)


def format_amount(amount: Decimal, currency: str = "") -> str:
    """`amount` as cards show it, for words without markup: 1,234.50 EUR."""
    return f"{number_format(exact(on_card(amount)), force_grouping=True)} {currency}".rstrip()
