"""Clicks on the links of a campaign: figures, and how often recipients clicked.

Those of machines are counted apart and are in no other figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, QuerySet
from django.db.models.functions import TruncHour
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import LINK_LABELS
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import as_variant, letters_of
from campaigns.compose.models import Campaign
from campaigns.engagement.models import Click, Device, Machine, System
from campaigns.reports.campaign.variants import batches_of
from campaigns.reports.shared.click_counts import CLICKED_AT, people_clicks
from campaigns.reports.shared.delivery_counts import DeliveryCounts
from campaigns.reports.shared.labels import country_name

HOURS_SHOWN = 48  # with clicks


@dataclass(frozen=True, slots=True)
class ClickCount:
    """The clicks of one link, hour, country, device or system, and how many recipients clicked.
    `variant`: whose link it is, where there are variants.
    """

    key: Any
    label: str
    clicks: int
    clickers: int
    detail: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class ClickFigures:
    """What became of the links of a campaign. `clickers`: recipients who clicked, each once.
    `machines`: clicks of programs, by reason.
    """

    clicks: int
    clickers: int
    of_reached: int  # recipients whom Viber or an SMS reached: the base of the click rate
    of_read: int
    links: list[ClickCount]
    hours: list[ClickCount]
    countries: list[ClickCount]
    devices: list[ClickCount]
    systems: list[ClickCount]
    machines: list[ClickCount]

    @property
    def machine_clicks(self) -> int:
        return sum(count.clicks for count in self.machines)


def load_figures(campaign: Campaign, counts: DeliveryCounts) -> ClickFigures:
    """The figures of `campaign`, by a fixed number of queries over its clicks."""
    every = Click.objects.filter(campaign=campaign)
    people = every.filter(machine=Machine.NONE)
    whole = people.aggregate(clicks=Count("pk"), clickers=Count("recipient", distinct=True))
    return ClickFigures(
        clicks=whole["clicks"],
        clickers=whole["clickers"],
        of_reached=counts.reached,
        of_read=counts.read,
        links=_links(campaign, people),
        hours=_hours(people),
        countries=_counts(people, "recipient__country", country_name),
        devices=_counts(people, "device", lambda key: str(Device(key).label)),
        systems=_counts(people, "system", lambda key: str(System(key).label)),
        machines=_counts(
            every.exclude(machine=Machine.NONE), "machine", lambda key: str(Machine(key).label)
        ),
    )


def _grouped(clicks: QuerySet[Click], key: Any) -> dict[Any, tuple[int, int]]:
    rows = (
        clicks.order_by()
        .values(key=key)
        .annotate(clicks=Count("pk"), clickers=Count("recipient", distinct=True))
    )
    return {row["key"]: (row["clicks"], row["clickers"]) for row in rows}


def _counts(clicks: QuerySet[Click], column: str, label: Any) -> list[ClickCount]:
    """By a column, the most clicks first."""
    counts = [
        ClickCount(key, label(key), *numbers)
        for key, numbers in _grouped(clicks, F(column)).items()
    ]
    return sorted(counts, key=lambda count: (-count.clicks, count.label))


def _links(campaign: Campaign, people: QuerySet[Click]) -> list[ClickCount]:
    """All links of the message in its order, also those that nobody clicked; by variant."""
    if campaign.variants:
        return [count for letter in letters_of(campaign) for count in _of(campaign, letter, people)]
    by_number = _grouped(people, F("number"))
    return [
        ClickCount(
            number, str(LINK_LABELS[link.field]), *by_number.get(number, (0, 0)), link.target
        )
        for number, link in enumerate(tracking_of(campaign).links)
    ]


def _of(campaign: Campaign, letter: str, people: QuerySet[Click]) -> list[ClickCount]:
    """The links of one variant, whose numbers those of others have too."""
    numbers = batches_of(campaign, letter).values("number")
    clicks = people.filter(recipient__batch_number__in=numbers)
    counts = _links(as_variant(campaign, letter), clicks)
    return [replace(count, label=f"{letter}: {count.label}", variant=letter) for count in counts]


def _hours(people: QuerySet[Click]) -> list[ClickCount]:
    """The first hours with clicks, in the reader's time zone."""
    hours = sorted(_grouped(people, TruncHour(CLICKED_AT)).items())[:HOURS_SHOWN]
    return [
        ClickCount(hour, date_format(localtime(hour), "j M Y, H:i"), *numbers)
        for hour, numbers in hours
    ]


def load_clicks(recipient_ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """How often each recipient who did clicked, and when first."""
    people = people_clicks().filter(recipient__in=recipient_ids).order_by().values("recipient")
    rows = people.annotate(number=Count("pk"), first=Min(CLICKED_AT))
    return {row["recipient"]: (row["number"], row["first"]) for row in rows}


def clicks_text(number: int) -> str:
    """What tables say of a recipient who clicked; "" of one who did not."""
    return _("Clicked %(number)d×") % {"number": number} if number else ""
