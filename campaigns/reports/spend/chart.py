"""The data of the Spend page's charts; the table beside them has the same figures in full."""

from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from campaigns.reports.shared.bills import Bill, Cost
from campaigns.reports.spend.spending import Spending, time_buckets

MAX_BARS = 12  # groups drawn; the table has all
Point = tuple[str, Bill, str]  # label, bill, address of the rows behind it


def build_chart(spending: Spending) -> dict[str, Any]:
    """Return one chart for each currency, stacked by channel: over time, or the largest groups."""
    by_time = spending.grouping.by_time
    points = (
        _points_over_time(spending)
        if by_time
        else [(group.name, group.bill, group.url) for group in spending.groups]
    )
    return {
        "time": by_time,
        "currencies": [
            _drawing(points if by_time else _largest(points, currency), currency)
            for currency in sorted(spending.total.by_currency)
        ],
    }


def _largest(points: list[Point], currency: str) -> list[Point]:
    """Return the first groups of a currency; they are sorted by cost already."""
    return [point for point in points if currency in point[1].by_currency][:MAX_BARS]


def _points_over_time(spending: Spending) -> list[Point]:
    """Return a point for each bucket, so that the charts of all currencies line up."""
    groups = {group.key[0]: group for group in spending.groups}
    label_format = "M Y" if spending.grouping.key == "month" else "j M"
    points: list[Point] = []
    for start in time_buckets(spending):
        label, group = formats.date_format(start, label_format), groups.get(start)
        points.append((label, group.bill, group.url) if group else (label, Bill(), ""))
    return points


def _drawing(points: list[Point], currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "labels": [label for label, _bill, _url in points],
        "links": [url for _label, _bill, url in points],
        "series": _series(points, currency),
    }


def _series(points: list[Point], currency: str) -> list[dict[str, Any]]:
    """Return the amounts by channel as decimal strings, without channels that cost nothing."""
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
