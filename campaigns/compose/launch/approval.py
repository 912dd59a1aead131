"""A second person's approval: which campaigns need it, who may give it, and a seal on exactly what
was asked for.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from django.db.models import Sum
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import ApprovalLimit, Campaign, CampaignState, Segment
from campaigns.compose.pricing.estimate import Estimate, estimate_cost, format_amount
from campaigns.ledger.models import Purpose
from campaigns.team.access import has_role, users_with_role
from campaigns.team.mail import link, mail
from campaigns.team.models import Role, User

NOTIFY_APPROVERS = "campaigns.compose.launch.approval.notify_approvers"
NOTIFY_REQUESTER = "campaigns.compose.launch.approval.notify_requester"


@dataclass(frozen=True, slots=True)
class ApprovalCheck:
    """What a launch would be now. `fingerprint`: another one as soon as anything of message,
    audience or cost is another.
    """

    needed: bool
    people: int
    words: str  # people and highest cost, for a person
    fingerprint: str


NOT_NEEDED = ApprovalCheck(False, 0, "", "")


def check_approval(campaign: Campaign, measured: MessageLengths | None = None) -> ApprovalCheck:
    """Whether `campaign` needs a second person: where its highest cost exceeds the limit, or is not
    wholly known.

    Once there is a limit in one currency, whatever is charged in one without a limit needs approval
    too. Tests and rehearsals need none. `measured` as in `checks.problems`.
    """
    limits: dict[str, Decimal] = dict(ApprovalLimit.objects.values_list("currency", "amount"))  # type: ignore[arg-type]
    if not limits or campaign.purpose != Purpose.CAMPAIGN:
        return NOT_NEEDED
    measured = measured or MessageLengths(Audience.of(campaign), compile_message(campaign))
    cost = estimate_cost(campaign, measured)
    return ApprovalCheck(
        needed=_exceeds(cost, limits),
        people=measured.audience.funnel().recipients,
        words=_words(cost),
        fingerprint=_fingerprint(campaign, measured.audience, cost),
    )


def _exceeds(cost: Estimate, limits: dict[str, Decimal]) -> bool:
    if cost.unpriced or cost.sms_unpriced:
        return True
    return any(
        currency not in limits or total.most > limits[currency]
        for currency, total in cost.totals.items()
    )


def _words(cost: Estimate) -> str:
    people = ngettext("%(n)s person", "%(n)s people", cost.recipients) % {
        "n": number_format(cost.recipients, force_grouping=True)
    }
    sums = ", ".join(
        format_amount(total.most, currency) for currency, total in sorted(cost.totals.items())
    )
    if not sums or cost.unpriced or cost.sms_unpriced:
        return _("%(people)s, at a cost not wholly known") % {"people": people}
    return _("%(people)s, %(sums)s at most") % {"people": people, "sums": sums}


def _fingerprint(campaign: Campaign, audience: Audience, cost: Estimate) -> str:
    """SHA-256 over the message, the time, who gets it by country and by their rows, and the cost.

    A segment counts as it was last changed.
    """
    said = [str(getattr(campaign, field.name)) for field in FIELDS if field.approved]
    lines = [
        (line.country, line.recipients, line.sms_parts, str(line.least), str(line.most))
        for line in cost.lines
    ]
    # another person is another sum
    rows = int(audience.selected_contacts().aggregate(sum=Sum("pk"))["sum"] or 0)
    sender = campaign.sender.name if campaign.sender else ""
    segments = Segment.objects.filter(
        pk__in=audience.segments + audience.exclude_segments
    ).order_by("pk")
    changed = [at.isoformat() for at in segments.values_list("updated_at", flat=True)]
    whole = [said, sender, repr(audience), changed, rows, sorted(lines)]
    return sha256(json.dumps(whole).encode()).hexdigest()


def is_own(campaign: Campaign, actor: User) -> bool:
    """Whether `actor` would approve their own: they asked, or launched; where a command did, who
    made it.
    """
    asked = campaign.approval_asked_by_id or campaign.launched_by_id or campaign.created_by_id
    return asked == actor.pk


def may_approve(campaign: Campaign, actor: User | None) -> bool:
    """Whether `actor` may approve `campaign`. A command, which nobody signs, may not."""
    return actor is not None and has_role(actor, Role.APPROVER) and not is_own(campaign, actor)


def awaiting_approval_by(actor: User) -> list[Campaign]:
    """What waits for the approval of `actor`, the longest first."""
    if not has_role(actor, Role.APPROVER):
        return []
    found = Campaign.objects.filter(state=CampaignState.AWAITING_APPROVAL).select_related(
        "approval_asked_by"
    )
    return [one for one in found.order_by("approval_asked_at", "pk") if not is_own(one, actor)]


def notify_approvers(campaign_id: int) -> int:
    """Write to everybody who may approve `campaign_id` that it waits; how many letters left. A
    task.
    """
    campaign = Campaign.objects.filter(
        pk=campaign_id, state=CampaignState.AWAITING_APPROVAL
    ).first()
    if campaign is None:
        return 0
    approvers = [
        person for person in users_with_role(Role.APPROVER) if not is_own(campaign, person)
    ]
    subject = _("“%(name)s” waits for your approval") % {"name": campaign.name}
    body = _("%(name)s asked for it. Read it and approve or return it:\n%(link)s\n") % {
        "name": _name(campaign.approval_asked_by),
        "link": link(reverse("campaign-review", args=[campaign.pk])),
    }
    return mail(approvers, subject, body)


def notify_requester(campaign_id: int, asked_by: int, approved: int) -> int:
    """Write to who asked what came of it; how many letters left. A task."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    people = User.objects.filter(pk=asked_by)
    if campaign is None:
        return 0
    words = _("“%(name)s” is approved") if approved else _("“%(name)s” was returned to you")
    address = link(reverse("campaign-detail", args=[campaign.pk]))
    body = f"{campaign.approval_note}\n\n{address}\n".lstrip()
    return mail(people, words % {"name": campaign.name}, body)


def _name(person: User | None) -> str:
    return person.get_full_name() or person.get_username() if person else _("A command")
