"""What the charts draw, as data for the page's script; the tables beside them say the same
exactly.
"""

from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from campaigns.reports.shared.bills import Bill, Cost
from campaigns.reports.spend.spending import Spending, buckets

BARS = 12  # groups drawn; the table has all
Point = tuple[str, Bill, str]  # label, bill, address of the rows behind it


def chart(spending: Spending) -> dict[str, Any]:
    """One chart a currency, stacked by channel: over time, or the dearest groups as bars."""
    by_time = spending.grouping.by_time
    points = (
        _over_time(spending)
        if by_time
        else [(group.name, group.bill, group.url) for group in spending.groups]
    )
    currencies = sorted(spending.total.by_currency)
    return {
        "time": by_time,
        "currencies": [_drawing(_of(points, one, by_time), one) for one in currencies],
    }


def _of(points: list[Point], currency: str, by_time: bool) -> list[Point]:
    """Those that are drawn for a currency: every day, so that charts stand over each other; of
    groups the dearest.
    """
    return (
        points
        if by_time
        else [point for point in points if currency in point[1].by_currency][:BARS]
    )


def _over_time(spending: Spending) -> list[Point]:
    found = {group.key[0]: group for group in spending.groups}
    form = "M Y" if spending.grouping.key == "month" else "j M"
    points: list[Point] = []
    for start in buckets(spending):
        group = found.get(start)
        points.append(
            (
                formats.date_format(start, form),
                group.bill if group else Bill(),
                group.url if group else "",
            )
        )
    return points


def _drawing(points: list[Point], currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "labels": [label for label, _bill, _url in points],
        "links": [url for _label, _bill, url in points],
        "series": _series(points, currency),
    }


def _series(points: list[Point], currency: str) -> list[dict[str, Any]]:
    """The values by channel as decimal strings; a channel in which nothing was spent is not
    drawn.
    """
    labels = {
        "viber": _("Viber"),
        "sms": _("SMS"),
        "fee": _("Sender fee"),
        "correction": _("Correction"),
    }
    nothing = Cost(currency)
    costs = [bill.by_currency.get(currency, nothing) for _label, bill, _url in points]
    return [
        {"key": channel, "label": label, "values": [str(getattr(cost, channel)) for cost in costs]}
        for channel, label in labels.items()
        if any(getattr(cost, channel) for cost in costs)
    ]
