"""What the queue calls: saved reports on their way to their owners."""

from django.utils import timezone

from campaigns.reports.spend import saved_reports


def deliver() -> None:
    """Send the reports that are due."""
    saved_reports.deliver(timezone.now())
