"""Tasks of the queue: mailing the saved reports that are due, and watching for alerts."""

from django.utils import timezone

from campaigns.reports.alerts import watch as alerts
from campaigns.reports.spend import saved_reports


def deliver() -> None:
    """Mail the reports that are due, and note which were delivered."""
    saved_reports.deliver_due_reports(timezone.now())
    saved_reports.record_outcomes()


def watch() -> None:
    """Look for what starts or ends an alert, and post to the webhook what is due."""
    alerts.watch()
