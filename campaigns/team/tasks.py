"""Task of the queue: sending the e-mails that wait."""

from django.utils import timezone

from campaigns.team import mail_delivery


def deliver_mail() -> None:
    """Send the e-mails that are due, and delete old ones."""
    mail_delivery.deliver_due()
    mail_delivery.prune(timezone.now())
