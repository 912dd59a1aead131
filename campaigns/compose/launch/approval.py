"""Approval by a second person: which campaigns need it, who may give it, and for what exactly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import FIELDS, VARIANTS
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import others
from campaigns.compose.models import (
    ApprovalLimit,
    Campaign,
    CampaignState,
    Timing,
    UnapprovedCost,
)
from campaigns.compose.pricing.estimate import Estimate, estimate_cost, format_amount
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.days import site_day
from campaigns.shared.money import ZERO, exact
from campaigns.shared.queue import enqueue
from campaigns.team import audit
from campaigns.team.mail import link, mail
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, users_with_permission

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
    most: Mapping[str, Decimal] = field(default_factory=dict)  # maximum cost by currency
    adds_up: bool = False  # needed only because of other launches on the same day


# The time that they start at follows from the audience, or from another campaign.
FOLLOWING = (Timing.LOCAL, Timing.AFTER)
NOT_NEEDED = ApprovalCheck(False, 0, "", "")


def check_approval(
    campaign: Campaign,
    measured: MeasuredAudience | None = None,
    launcher: User | None = None,
) -> ApprovalCheck:
    """Check whether `campaign` needs approval: its maximum cost is not fully known or, with what
    `launcher` launched on the same day without approval, above the limit of the currency.

    As soon as one currency has a limit, campaigns in currencies without one need approval too.
    Tests count as campaigns do; rehearsals cost nothing. `measured` as in `checks.problems`.
    Whom the frequency cap leaves out is counted too: until the freeze others' messages change that,
    and what was approved would not be what is sent.
    """
    limits = _limits()
    if not limits or campaign.purpose == Purpose.REHEARSAL:
        return NOT_NEEDED
    audience = measured.audience if measured else Audience.of(campaign)
    if measured is None or audience.cap:
        measured = measure_now(replace(audience, cap=None), compile_message(campaign))
    cost = estimate_cost(campaign, measured)
    most = {currency: total.most for currency, total in cost.totals.items()}
    exceeds_alone = bool(cost.unpriced or cost.sms_unpriced) or _exceeds(most, limits, {})
    adds_up = not exceeds_alone and _exceeds(most, limits, _other_launches(campaign, launcher))
    return ApprovalCheck(
        needed=exceeds_alone or adds_up,
        recipients=measured.recipients,
        summary=_summary(cost),
        fingerprint=_fingerprint(campaign, measured, cost),
        most=most,
        adds_up=adds_up,
    )


def check_again(check: ApprovalCheck, campaign: Campaign, launcher: User | None) -> ApprovalCheck:
    """`check` with what `launcher` has launched meanwhile. Until the transaction ends, other
    launches wait here: of two at once, the second knows of the first.
    """
    if check.needed or check is NOT_NEEDED:
        return check
    if not (limits := _limits(lock=True)):
        return check
    needed = _exceeds(check.most, limits, _other_launches(campaign, launcher))
    return replace(check, needed=needed, adds_up=needed)


def _limits(lock: bool = False) -> dict[str, Decimal]:
    limits = ApprovalLimit.objects.order_by("pk")
    rows = limits.select_for_update() if lock else limits
    return {limit.currency: limit.amount or ZERO for limit in rows}


def _exceeds(
    most: Mapping[str, Decimal], limits: Mapping[str, Decimal], others: Mapping[str, Decimal]
) -> bool:
    return any(
        currency not in limits or amount + others.get(currency, ZERO) > limits[currency]
        for currency, amount in most.items()
    )


def _other_launches(campaign: Campaign, launcher: User | None) -> dict[str, Decimal]:
    """What `launcher` launched without approval on the day of `campaign`'s launch, or today, by
    currency; without `campaign` itself.
    """
    day = site_day(campaign.launched_at or timezone.now())
    others = UnapprovedCost.objects.filter(user=launcher, day=day).exclude(campaign=campaign)
    sums = others.order_by().values("currency").annotate(total=Sum("amount"))
    return dict(sums.values_list("currency", "total"))


def count_unapproved(campaign: Campaign, launcher: User | None, check: ApprovalCheck) -> None:
    """Let the cost of `campaign`, which `launcher` launched without approval, count on that day."""
    day = site_day(campaign.launched_at or timezone.now())
    for currency, amount in check.most.items():
        UnapprovedCost.objects.update_or_create(
            campaign=campaign,
            currency=currency,
            defaults={"user": launcher, "day": day, "amount": amount},
        )


def forget_unapproved(campaign: Campaign) -> None:
    """Let `campaign` not count as launched any more: it is a draft again."""
    UnapprovedCost.objects.filter(campaign=campaign).delete()


def budget_needs_approval(campaign: Campaign, launcher: User | None) -> bool:
    """Whether `launcher` needs an approver for what costs the budget of `campaign` again and again:
    the most that it may cost on a day counts as that of a launch.
    """
    limits = _limits()
    if not limits:
        return False
    most = _budget(campaign)
    return not most or _exceeds(most, limits, _other_launches(campaign, launcher))


def needs_another_user(draft: Campaign, actor: User | None) -> bool:
    """Whether an approver other than `actor` has to start what spends the budget repeatedly."""
    return budget_needs_approval(draft, actor) and not may_approve(draft, actor)


def count_budget(campaign: Campaign, launcher: User | None) -> None:
    """Let the whole budget of `campaign` count as what `launcher` launched without approval."""
    if _limits():
        count_unapproved(campaign, launcher, replace(NOT_NEEDED, most=_budget(campaign)))


def _budget(campaign: Campaign) -> dict[str, Decimal]:
    """The budget by its currency; empty without one, or while its currency is not known."""
    currency = budget_currency(campaign, campaign.budget)
    return {currency: campaign.budget} if campaign.budget is not None and currency else {}


def missing_approval(campaign: Campaign) -> ApprovalCheck | None:
    """The check of a launched campaign that needs approval as it is now and does not have it; else
    None. What it costs now counts instead of what it cost at its launch.
    """
    check = check_approval(campaign, launcher=campaign.launched_by)
    is_approved = campaign.approved_by_id is not None
    if is_approved and not is_void(campaign, check):
        return None
    if check.needed:
        return check
    count_unapproved(campaign, campaign.launched_by, check)
    return None


def reason_to_pause(campaign: Campaign, audience: int) -> dict[str, str]:
    """The columns of a pause of `campaign`, frozen with `audience` recipients, where a user has to
    look at it first; empty if it may be sent.
    """
    if campaign.people_max is not None and audience > campaign.people_max:
        needs = budget_needs_approval(campaign, campaign.launched_by)
        detail = _("%(people)d recipients; the series allows %(most)d.")
        detail %= {"people": audience, "most": campaign.people_max}
        return {"reason": "approval" if needs else "people_max", "reason_detail": detail}
    approved = campaign.approved_people
    has_grown = approved is not None and audience > approved
    is_checked = has_grown or campaign.approved_by_id or campaign.timing == Timing.AFTER
    if is_checked and (check := missing_approval(campaign)):
        return {"reason": "approval", "reason_detail": check.summary}
    return {}


def is_void(campaign: Campaign, check: ApprovalCheck) -> bool:
    """Whether `campaign` is another one, by its `check`, than the one that approval was asked for.
    A follow-up may cost less.
    """
    if check is NOT_NEEDED:
        return False
    limit = campaign.approval_limit
    if limit is not None and any(
        amount > Decimal(limit.get(currency, 0)) for currency, amount in check.most.items()
    ):
        return True
    return check.fingerprint != campaign.approval_fingerprint


def _limit_of(campaign: Campaign, check: ApprovalCheck) -> dict[str, str] | None:
    """The column that says what a follow-up may cost at most; None for any other campaign."""
    if campaign.timing != Timing.AFTER:
        return None
    return {currency: str(amount) for currency, amount in check.most.items()}


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
        if field.approved and (field.name != "scheduled_at" or campaign.timing not in FOLLOWING)
    ]
    lines = [
        (line.country, line.recipients, line.sms_parts, str(line.least), str(line.most))
        for line in cost.lines
    ]
    sender = campaign.sender.name if campaign.sender else ""
    whole: list[Any] = [values, sender]
    if campaign.timing == Timing.AFTER:  # its recipients are not known: approved by its limit
        whole += [campaign.follows_id, campaign.follow_hours, repr(Audience.chosen_for(campaign))]
    else:
        whole += [repr(measured.audience), measured.fingerprint, sorted(lines)]
    if (tracking := tracking_of(campaign)).numbers:
        whole.append(list(tracking.columns().values()))
        if tracking.links and campaign.track_conversions:
            whole.append("track_conversions")
    if campaign.variants:
        whole.append([getattr(campaign, name) for name in VARIANTS])
        whole.append([tracking_of(one).columns() for one in others(campaign).values()])
    if campaign.cap_messages is not None:
        whole.append([campaign.cap_messages, campaign.cap_days])
    if measured.audience.needs_consent:
        whole.append("consent")
    return sha256(json.dumps(whole).encode()).hexdigest()


def columns_requested(
    campaign: Campaign, check: ApprovalCheck, actor: User | None
) -> dict[str, Any]:
    """The columns that say: `actor` asks for approval of what was checked."""
    return {
        "approval_limit": _limit_of(campaign, check),
        "approval_asked_by": actor,
        "approval_asked_at": timezone.now(),
        "approval_fingerprint": check.fingerprint,
    }


def columns_now(campaign: Campaign, actor: User | None) -> dict[str, Any]:
    """The columns that say: `actor` approved `campaign` as it is now."""
    check = check_approval(campaign)
    return {
        "approved_by": actor,
        "approval_limit": _limit_of(campaign, check),
        "approval_fingerprint": check.fingerprint,
        "approved_people": campaign.audience or check.recipients or None,
    }


def is_own(campaign: Campaign, actor: User) -> bool:
    """Whether `actor` requested approval of `campaign`, launched it, made it or edited it last, and
    so can't approve it.
    """
    return actor.pk in (
        campaign.approval_asked_by_id,
        campaign.launched_by_id,
        campaign.created_by_id,
        campaign.edited_by_id,
    )


def own_text() -> str:
    """Why a user can't approve a campaign of their own, or no campaign at all."""
    return _(
        "Another approver has to decide: you can't approve a campaign that you launched, created or"
        " edited last."
    )


def void_text(campaign: Campaign) -> str:
    """That `campaign` is not any more what approval was requested for, and what it is now."""
    if campaign.purpose == Purpose.TEST:
        return _(
            "The phones or the cost changed after approval was requested. The test is cancelled."
        )
    return _(
        "The audience or the cost changed after approval was requested. The campaign is a draft"
        " again."
    )


def may_approve(campaign: Campaign, actor: User | None) -> bool:
    """Whether `actor` may approve `campaign`. A command (None) may not."""
    return (
        actor is not None
        and has_permission(actor, Permission.APPROVE)
        and not is_own(campaign, actor)
    )


def awaiting_approval_by(actor: User) -> list[Campaign]:
    """The campaigns that `actor` can approve, longest waiting first."""
    if not has_permission(actor, Permission.APPROVE):
        return []
    waiting = Campaign.objects.filter(state=CampaignState.AWAITING_APPROVAL).select_related(
        "approval_asked_by"
    )
    return [
        campaign
        for campaign in waiting.order_by("approval_asked_at", "pk")
        if not is_own(campaign, actor)
    ]


def of_author(actor: User) -> list[Campaign]:
    """The campaigns of `actor` that wait for the approval of another user, and the drafts that
    came back with a note, the newest first.
    """
    author = Q(created_by=actor) | Q(edited_by=actor)
    returned = author & Q(state=CampaignState.DRAFT) & ~Q(approval_note="")
    waiting = Q(state=CampaignState.AWAITING_APPROVAL, approval_asked_by=actor)
    return list(Campaign.objects.filter(returned | waiting).order_by("-updated_at", "-pk"))


def notify_approvers(campaign_id: int) -> int:
    """Task: e-mail everybody who may approve the campaign; return the number of e-mails."""
    campaign = Campaign.objects.filter(
        pk=campaign_id, state=CampaignState.AWAITING_APPROVAL
    ).first()
    if campaign is None:
        return 0
    with acting_for(campaign.brand_id):
        return _ask_approvers(campaign)


def _ask_approvers(campaign: Campaign) -> int:
    approvers = [
        user for user in users_with_permission(Permission.APPROVE) if not is_own(campaign, user)
    ]
    subject = _("“%(name)s” waits for your approval") % {"name": campaign.name}
    body = _(
        "%(name)s requested approval. Review the campaign, then approve it or request changes:\n"
        "%(link)s\n"
    ) % {
        "name": _name(campaign.approval_asked_by),
        "link": link(reverse("campaign-review", args=[campaign.pk])),
    }
    return mail(approvers, subject, body)


def tell_requester(campaign: Campaign, approved: bool) -> None:
    """Have the decision e-mailed to whoever requested the approval of `campaign`."""
    if campaign.approval_asked_by_id:
        enqueue(NOTIFY_REQUESTER, campaign.pk, campaign.approval_asked_by_id, int(approved))


def notify_requester(campaign_id: int, requester_id: int, approved: int) -> int:
    """Task: e-mail the decision to the requester; return the number of e-mails."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    requester = User.objects.filter(pk=requester_id)
    if campaign is None:
        return 0
    subject = _("“%(name)s” is approved") if approved else _("Changes requested for “%(name)s”")
    with acting_for(campaign.brand_id):
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
