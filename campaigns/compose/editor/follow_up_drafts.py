"""Make the draft of a follow-up: the message of a campaign, for some of its recipients."""

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.editor.drafts import copy_campaign
from campaigns.compose.launch.follow_ups import can_be_followed
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, EarlierCampaign, RecipientOutcome, Timing
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User


class FollowedRecipients(models.TextChoices):
    """Which recipients of a campaign a follow-up goes to, as known when it goes out."""

    NOT_READ = "not_read", gettext_lazy("Got it, and have not read it")
    NOT_CLICKED = "not_clicked", gettext_lazy("Got it, and have not clicked")
    NOT_REACHED = "not_reached", gettext_lazy("Surely did not get it")
    READ = "read", gettext_lazy("Have read it")
    CLICKED = "clicked", gettext_lazy("Have clicked")
    REACHED = "reached", gettext_lazy("Got it")


F, Outcome = FollowedRecipients, RecipientOutcome
# selected and excluded outcomes; unknown ones are in none
OUTCOMES: dict[str, tuple[tuple[RecipientOutcome, ...], tuple[RecipientOutcome, ...]]] = {
    F.NOT_READ: ((Outcome.DELIVERED,), (Outcome.READ,)),
    F.NOT_CLICKED: ((Outcome.DELIVERED,), (Outcome.CLICKED,)),
    F.NOT_REACHED: ((Outcome.NOT_DELIVERED,), ()),
    F.READ: ((Outcome.READ,), ()),
    F.CLICKED: ((Outcome.CLICKED,), ()),
    F.REACHED: ((Outcome.DELIVERED,), ()),
}


@transaction.atomic
def create_follow_up(parent: Campaign, actor: User | None, who: str, hours: int) -> Campaign:
    """A draft with the message of `parent`, `hours` after it, for those of its recipients whom
    `who` names. Raises Refused if `parent` can't be followed.
    """
    if not can_be_followed(parent):
        text = _("“%(name)s” is “%(state)s”. Only a campaign that was launched can be followed.")
        raise Refused(text % {"name": parent.name, "state": parent.get_state_display()})
    name = _("%(name)s (follow-up)") % {"name": parent.name[:85]}
    draft = copy_campaign(parent, actor, name, Purpose.CAMPAIGN)
    draft.timing, draft.follows, draft.follow_hours = Timing.AFTER, parent, hours
    draft.save()
    chosen, excluded = OUTCOMES[who]
    EarlierCampaign.objects.bulk_create(
        EarlierCampaign(campaign=draft, source=parent, outcome=outcome, left_out=left_out)
        for outcomes, left_out in ((chosen, False), (excluded, True))
        for outcome in outcomes
    )
    detail = _("follow-up of “%(name)s”: %(hours)d hours, %(who)s")
    names = {"name": parent.name, "hours": hours, "who": who}
    audit.record(actor, draft, "created", detail % names)
    return draft
