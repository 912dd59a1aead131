"""The figures of the installation for Prometheus. They are read from the database when it asks, so
every web process of every machine answers with the same.
"""

from collections.abc import Iterable, Mapping

from django.db import DatabaseError
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from campaigns.ledger.models import BalanceReading
from campaigns.reports.installation.figures import Figures, load_figures
from campaigns.shared import database_clock

Labelled = Mapping[str, object]


class InstallationCollector(Collector):
    """Without a database all that is known is that it does not answer."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the figures."""
        try:
            figures = load_figures(database_clock.now())
        except DatabaseError:
            yield _gauge("database_up", "Whether the database answers", 0)
            return
        yield _gauge("database_up", "Whether the database answers", 1)
        yield from _work(figures)
        yield from _recipients(figures)
        yield from _money(figures)


def installation_metrics() -> bytes:
    """The figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(InstallationCollector())
    return generate_latest(registry)


def _gauge(name: str, help_text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge; without a value it is described and has no sample."""
    family = GaugeMetricFamily(f"viberdash_{name}", help_text, labels=[])
    if value is not None:
        family.add_metric([], float(value))
    return family


def _gauges(name: str, help_text: str, label: str, values: Labelled) -> GaugeMetricFamily:
    """A gauge with a sample for each value of `label`."""
    family = GaugeMetricFamily(f"viberdash_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(str(value)))
    return family


def _work(figures: Figures) -> Iterable[GaugeMetricFamily]:
    yield _gauge("queue_tasks", "Tasks that wait for a worker", figures.queue_length)
    yield _gauges(
        "heartbeat_age_seconds", "Seconds since a sign of life", "name", figures.heartbeats
    )
    yield _gauges("campaigns", "Campaigns by state", "state", figures.campaigns)
    yield _gauges("batches", "Batches whose outcome is open, by state", "state", figures.batches)
    yield _gauge(
        "oldest_request_age_seconds",
        "Seconds since the oldest request without an outcome",
        figures.oldest_request,
    )
    yield _gauge(
        "oldest_ready_age_seconds",
        "Seconds since the oldest campaign that sends and has ready batches was frozen",
        figures.oldest_ready,
    )
    yield _gauges(
        "status_checks_due",
        "Batches (first, again) and messages (reported) whose status is to be asked for",
        "kind",
        figures.due_checks,
    )
    yield _gauges("imports", "Imports by state", "state", figures.imports)
    yield _gauges("alerts_open", "Alerts that are not over, by kind", "kind", figures.alerts)
    yield _gauges("mails", "E-mails that are not delivered, by state", "state", figures.mails)


def _recipients(figures: Figures) -> Iterable[GaugeMetricFamily]:
    family = GaugeMetricFamily(
        "viberdash_campaign_recipients",
        "Recipients of campaigns under way, or ended within the hour, by state and error code",
        labels=["campaign", "state", "code"],
    )
    for count in figures.recipients:
        code = str(count.error_code or "")
        family.add_metric([str(count.campaign_id), count.state, code], count.recipients)
    yield family


def _money(figures: Figures) -> Iterable[GaugeMetricFamily]:
    yield _gauges(
        "budget_held", "Reserved in budgets for messages under way", "currency", figures.holds
    )
    yield from _balances(figures.balances)


def _balances(readings: Mapping[str, BalanceReading]) -> Iterable[GaugeMetricFamily]:
    """The balances; where several accounts are in use, with the account's name as a label."""
    label = ["account"] if set(readings) - {""} else []
    balances = GaugeMetricFamily(
        "viberdash_balance", "Balance at the last hourly reading", labels=[*label, "currency"]
    )
    moments = GaugeMetricFamily(
        "viberdash_balance_read_timestamp_seconds", "Unix time of that reading", labels=label
    )
    for name, reading in readings.items():
        own = [name] if label else []
        balances.add_metric([*own, reading.currency], float(reading.amount))
        moments.add_metric(own, reading.at.timestamp())
    yield balances
    yield moments
