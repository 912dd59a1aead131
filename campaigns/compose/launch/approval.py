"""Approval by a second person: which campaigns need it, who may give it, and for what exactly."""

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from django.db import transaction
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import ApprovalLimit, Campaign, CampaignState, Timing
from campaigns.compose.pricing.estimate import Estimate, estimate_cost, format_amount
from campaigns.ledger.models import Purpose
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.mail import link, mail
from campaigns.team.models import Role, User
from campaigns.team.roles import has_role, users_with_role

NOTIFY_APPROVERS = "campaigns.compose.launch.approval.notify_approvers"
NOTIFY_REQUESTER = "campaigns.compose.launch.approval.notify_requester"


@dataclass(frozen=True, slots=True)
class ApprovalCheck:
    """Whether a launch needs approval now. `fingerprint` changes with the message, the audience and
    the cost.
    """

    needed: bool
    recipients: int
    summary: str  # recipients and maximum cost, for the approver
    fingerprint: str


NOT_NEEDED = ApprovalCheck(False, 0, "", "")


def check_approval(campaign: Campaign, measured: MeasuredAudience | None = None) -> ApprovalCheck:
    """Check whether `campaign` needs approval: its maximum cost is above the limit of the currency,
    or is not fully known.

    As soon as one currency has a limit, campaigns in currencies without one need approval too.
    Tests and rehearsals need none. `measured` as in `checks.problems`.
    """
    limits: dict[str, Decimal] = dict(ApprovalLimit.objects.values_list("currency", "amount"))  # type: ignore[arg-type]
    if not limits or campaign.purpose != Purpose.CAMPAIGN:
        return NOT_NEEDED
    measured = measured or measure_now(Audience.of(campaign), compile_message(campaign))
    cost = estimate_cost(campaign, measured)
    return ApprovalCheck(
        needed=_exceeds(cost, limits),
        recipients=measured.recipients,
        summary=_summary(cost),
        fingerprint=_fingerprint(campaign, measured, cost),
    )


def _exceeds(cost: Estimate, limits: dict[str, Decimal]) -> bool:
    if cost.unpriced or cost.sms_unpriced:
        return True
    return any(
        currency not in limits or total.most > limits[currency]
        for currency, total in cost.totals.items()
    )


def _summary(cost: Estimate) -> str:
    recipients = ngettext("%(n)s recipient", "%(n)s recipients", cost.recipients) % {
        "n": number_format(cost.recipients, force_grouping=True)
    }
    amounts = ", ".join(
        format_amount(total.most, currency) for currency, total in sorted(cost.totals.items())
    )
    if not amounts or cost.unpriced or cost.sms_unpriced:
        return _("%(recipients)s, cost not fully known") % {"recipients": recipients}
    return _("%(recipients)s, at most %(amounts)s") % {"recipients": recipients, "amounts": amounts}


def _fingerprint(campaign: Campaign, measured: MeasuredAudience, cost: Estimate) -> str:
    """SHA-256 over the message, the time, the audience and the cost.

    The audience goes in by its own fingerprint, which another recipient or another merge value
    would change, and by what it selects and excludes. The moment when a local time begins follows
    from the audience.
    """
    values = [
        str(getattr(campaign, field.name))
        for field in FIELDS
        if field.approved and (field.name != "scheduled_at" or campaign.timing != Timing.LOCAL)
    ]
    lines = [
        (line.country, line.recipients, line.sms_parts, str(line.least), str(line.most))
        for line in cost.lines
    ]
    sender = campaign.sender.name if campaign.sender else ""
    whole = [values, sender, repr(measured.audience), measured.fingerprint, sorted(lines)]
    return sha256(json.dumps(whole).encode()).hexdigest()


def is_own(campaign: Campaign, actor: User) -> bool:
    """Whether `campaign` counts as the own campaign of `actor`, who then can't approve it.

    It belongs to the user who requested approval or launched it; if a command did, to its creator.
    """
    owner = campaign.approval_asked_by_id or campaign.launched_by_id or campaign.created_by_id
    return owner == actor.pk


def may_approve(campaign: Campaign, actor: User | None) -> bool:
    """Whether `actor` may approve `campaign`. A command (None) may not."""
    return actor is not None and has_role(actor, Role.APPROVER) and not is_own(campaign, actor)


def awaiting_approval_by(actor: User) -> list[Campaign]:
    """The campaigns that `actor` can approve, longest waiting first."""
    if not has_role(actor, Role.APPROVER):
        return []
    waiting = Campaign.objects.filter(state=CampaignState.AWAITING_APPROVAL).select_related(
        "approval_asked_by"
    )
    return [
        campaign
        for campaign in waiting.order_by("approval_asked_at", "pk")
        if not is_own(campaign, actor)
    ]


def notify_approvers(campaign_id: int) -> int:
    """Task: e-mail everybody who may approve the campaign; return the number of e-mails."""
    campaign = Campaign.objects.filter(
        pk=campaign_id, state=CampaignState.AWAITING_APPROVAL
    ).first()
    if campaign is None:
        return 0
    approvers = [user for user in users_with_role(Role.APPROVER) if not is_own(campaign, user)]
    subject = _("“%(name)s” waits for your approval") % {"name": campaign.name}
    body = _(
        "%(name)s requested approval. Review the campaign, then approve it or request changes:\n"
        "%(link)s\n"
    ) % {
        "name": _name(campaign.approval_asked_by),
        "link": link(reverse("campaign-review", args=[campaign.pk])),
    }
    return mail(approvers, subject, body)


def notify_requester(campaign_id: int, requester_id: int, approved: int) -> int:
    """Task: e-mail the decision to the requester; return the number of e-mails."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    requester = User.objects.filter(pk=requester_id)
    if campaign is None:
        return 0
    subject = _("“%(name)s” is approved") if approved else _("Changes requested for “%(name)s”")
    address = link(reverse("campaign-detail", args=[campaign.pk]))
    body = f"{campaign.approval_note}\n\n{address}\n".lstrip()
    return mail(requester, subject % {"name": campaign.name}, body)


def _name(user: User | None) -> str:
    return user.get_full_name() or user.get_username() if user else _("The command line")


@transaction.atomic
def set_limit(currency: str, amount: Decimal, actor: User) -> None:
    """Let campaigns in `currency` that may cost more than `amount` need approval."""
    limit, _created = ApprovalLimit.objects.update_or_create(
        currency=currency, defaults={"amount": amount}
    )
    audit.record(actor, limit, "set", f"{exact(amount)} {currency}")


def remove_limit(limit: ApprovalLimit, actor: User) -> None:
    """Remove the limit of a currency."""
    audit.delete(actor, limit, "removed", limit.currency)
