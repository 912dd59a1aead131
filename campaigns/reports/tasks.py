"""Task of the queue: mailing the saved reports that are due."""

from django.utils import timezone

from campaigns.reports.spend import saved_reports


def deliver() -> None:
    """Mail the reports that are due, and note which were delivered."""
    saved_reports.deliver_due_reports(timezone.now())
    saved_reports.record_outcomes()
