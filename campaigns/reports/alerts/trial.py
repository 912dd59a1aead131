"""A test alert, to see whether alerts arrive: to all who are told about the installation."""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.reports.alerts.telling import addresses_of_users
from campaigns.team import audit, mail
from campaigns.team.alerts import posts
from campaigns.team.models import OutgoingMail, User

RESULTS_MAX = 20


def addresses() -> list[str]:
    """Who is told about the installation by e-mail."""
    return sorted(addresses_of_users(None).union(settings.ALERT_EMAIL))


@transaction.atomic
def send(user: User) -> bool:
    """Have a test alert sent to each address and to the webhook. Returns False, if there is none:
    nobody is told.
    """
    told = addresses()
    if not told and not settings.ALERT_WEBHOOK_URL:
        return False
    text = _("A test alert, sent by %(user)s. Nothing is wrong.") % {"user": user.get_username()}
    url = mail.link(reverse("alerts"))
    for address in told:
        mail.mail_to(address, _subject(), f"{text}\n\n{url}\n")
    posts.write({"text": f"{text}\n{url}".translate(posts.HARMLESS), "alerts": []})
    audit.record(user, "alerts", "test alert sent", f"{len(told)} addresses")
    return True


def results() -> QuerySet[OutgoingMail]:
    """The e-mails of the last test alerts, the newest first."""
    return OutgoingMail.objects.filter(subject=_subject()).order_by("-pk")[:RESULTS_MAX]


def _subject() -> str:
    return f"ViberDash: {_('test alert')}"
