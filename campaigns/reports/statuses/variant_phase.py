"""Where the test of a campaign's variants is."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.variants import undecided
from campaigns.results.variants.decision import due_at
from campaigns.templatetags.viberdash import exact_time, who


@dataclass(frozen=True, slots=True)
class Phase:
    """Where the test of a campaign is. `is_open`: its rest waits for the decision, and `is_late`:
    for that of a user, whose time has come. `text` says it in words; "" where there is no test.
    """

    text: str = ""
    is_open: bool = False
    is_late: bool = False


def load_phase(campaign: Campaign) -> Phase:
    """The phase of `campaign`. Without a test it asks nothing."""
    if not campaign.is_tested or campaign.frozen_at is None:
        return Phase()
    if campaign.winner:
        return Phase(_decided_text(campaign))
    if not undecided().filter(pk=campaign.pk).exists():
        return Phase()
    return _open_phase(campaign, due_at(campaign), timezone.now())


def _open_phase(campaign: Campaign, due: datetime | None, now: datetime) -> Phase:
    itself, is_due = campaign.decides_itself, due is not None and due <= now
    if due is None:
        text = _("The variants are being tested. The other recipients wait for the result.")
    elif itself and is_due:
        text = _("The test is over. The better variant is about to be sent to the others.")
    elif itself:
        pattern = _("Testing until {when}. Then the better variant is sent to the others.")
        text = format_html(pattern, when=exact_time(due))
    elif is_due:
        text = _("Waiting for your choice: which variant do the other recipients get?")
    else:
        pattern = _("Testing until {when}. Then choose which variant the others get.")
        text = format_html(pattern, when=exact_time(due))
    return Phase(text, is_open=True, is_late=is_due and not itself)


def _decided_text(campaign: Campaign) -> str:
    when = exact_time(campaign.decided_at)
    if campaign.decided_by is None:
        pattern = _("Variant {letter} was chosen {when} by ViberDash.")
        return format_html(pattern, letter=campaign.winner, when=when)
    pattern = _("Variant {letter} was chosen {when} by {name}.")
    name = who(campaign.decided_by)
    return format_html(pattern, letter=campaign.winner, when=when, name=name)
