"""Tasks of the queue: sending the e-mails that wait, and deleting what is kept for a time only."""

from datetime import timedelta

from django.utils import timezone

from campaigns.team import mail_delivery
from campaigns.team.audit import job
from campaigns.team.models import Submission
from campaigns.team.sign_in import sessions, throttle
from campaigns.team.tokens import tokens
from campaigns.team.tokens.models import ApiAnswer

SUBMISSIONS_KEPT = timedelta(days=1)


def deliver_mail() -> None:
    """Send the e-mails that are due."""
    mail_delivery.deliver_due()


def follow_audit() -> None:
    """Link new entries of the audit trail, send them to syslog, and remove the oldest."""
    job.follow()


def prune() -> None:
    """Delete old submissions of forms, answers of the API, tries to sign in, ended sessions and
    tokens.
    """
    now = timezone.now()
    throttle.prune(now)
    sessions.prune(now)
    Submission.objects.filter(created_at__lt=now - SUBMISSIONS_KEPT).delete()
    ApiAnswer.objects.filter(created_at__lt=now - SUBMISSIONS_KEPT).delete()
    tokens.remove_old(now)
