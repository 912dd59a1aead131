"""What a test may be: a few phones that are fixed at its launch, and a few messages a day."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import all_brands
from campaigns.shared.days import site_bounds, site_today
from campaigns.team.models import User

PHONES_MAX = 10


def contacts_of(test: Campaign) -> list[int]:
    """The ids of the contacts that `test` goes to; one more than PHONES_MAX where they are more."""
    contacts = Audience.of(test).selected_contacts().order_by("pk")
    return list(contacts.values_list("pk", flat=True)[: PHONES_MAX + 1])


def refusal(test: Campaign, contacts: Sequence[int], launcher: User | None) -> str:
    """Why `launcher` may not send `test` to `contacts` today, or "".

    Until the transaction ends, further tests of the same user wait here. Commands (None) have no
    limit for a day: whoever can run them can change it.
    """
    if len(contacts) > PHONES_MAX:
        return too_many_text()
    if launcher is None:
        return ""
    User.objects.select_for_update(no_key=True).get(pk=launcher.pk)
    sent, most = _sent_today(launcher, test), settings.TEST_MESSAGES_PER_DAY
    if sent + len(contacts) <= most:
        return ""
    text = ngettext(
        "You can send %(most)d test message a day, and sent %(sent)d today. Try again tomorrow, or"
        " ask who runs ViberDash to raise TEST_MESSAGES_PER_DAY.",
        "You can send %(most)d test messages a day, and sent %(sent)d today. Try again tomorrow, or"
        " ask who runs ViberDash to raise TEST_MESSAGES_PER_DAY.",
        most,
    )
    return text % {"most": most, "sent": sent}


def too_many_text() -> str:
    """That a test has too many recipients."""
    return _("A test goes to at most %(n)d phones.") % {"n": PHONES_MAX}


def _sent_today(launcher: User, without: Campaign) -> int:
    """The test messages of `launcher` on the site's day in all brands, with those that wait for
    approval.
    """
    begin, end = site_bounds(site_today(), site_today())
    with all_brands():
        campaigns = Campaign.objects.exclude(pk=without.pk)
    tests = campaigns.filter(
        Q(launched_by=launcher, launched_at__gte=begin, launched_at__lt=end)
        | Q(
            approval_asked_by=launcher,
            launched_at__isnull=True,
            approval_asked_at__gte=begin,
            approval_asked_at__lt=end,
        ),
        purpose=Purpose.TEST,
    )
    return sum(len(contacts or ()) for contacts in tests.values_list("test_contacts", flat=True))
