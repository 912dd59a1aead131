"""Warnings at half, four fifths and all of a budget: each told once in its period, on the page and
by e-mail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.models import BudgetWarning, MonthlyBudget, UserBudget
from campaigns.shared.money import exact
from campaigns.shared.queue import enqueue
from campaigns.team import mail
from campaigns.team.access import users_with_role
from campaigns.team.models import Role, User

STEPS = (50, 80, 100)  # per cent
MAIL = "campaigns.dispatch.tasks.mail_warning"


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget and what of it is spent or held. `scope` names it in a warning, `period` is "" where
    it has none.
    """

    scope: str
    period: str
    name: str
    amount: Decimal
    taken: Decimal
    currency: str

    @property
    def percent(self) -> int:
        """What is taken in per cent of the budget, rounded down; a budget of nothing is all
        taken.
        """
        return int(self.taken * 100 / self.amount) if self.amount else 100


def month_limit(one: MonthlyBudget) -> Limit:
    """The budget of this month in one currency."""
    taken = one.amount - holds.left_of_month(one.currency)
    return Limit(
        f"month:{one.currency}", _month(), _("All campaigns"), one.amount, taken, one.currency
    )


def person_limit(one: UserBudget) -> Limit:
    """The budget of this month of one person."""
    name = one.user.get_full_name() or one.user.get_username()
    taken = one.amount - holds.left_of_person(one)
    return Limit(
        f"user:{one.user_id}:{one.currency}", _month(), name, one.amount, taken, one.currency
    )


def campaign_limits(campaign: Campaign) -> list[Limit]:
    """The budget of a campaign, in each currency that it has spent."""
    if campaign.budget is None:
        return []
    name, scope = _("Campaign “%(name)s”") % {"name": campaign.name}, f"campaign:{campaign.pk}"
    return [
        Limit(scope, "", name, campaign.budget, spent + held, currency)
        for currency, (spent, held) in holds.taken(campaign.pk).items()
    ]


def limits() -> Iterator[Limit]:
    """Every budget that can be reached now: the month's, those of people, those of campaigns under
    way.
    """
    yield from map(month_limit, MonthlyBudget.objects.all())
    yield from map(person_limit, UserBudget.objects.select_related("user"))
    launched = Campaign.objects.filter(budget__isnull=False, launched_at__isnull=False)
    for campaign in launched.exclude(state__in=lifecycle.FINAL):
        yield from campaign_limits(campaign)


def limits_for(user: User) -> list[Limit]:
    """The budgets of this month that concern `user`: everybody's together, and their own."""
    mine = UserBudget.objects.filter(user=user).select_related("user")
    return [*map(month_limit, MonthlyBudget.objects.all()), *map(person_limit, mine)]


def _month() -> str:
    return f"{timezone.localdate(timezone=settings.SITE_ZONE):%Y-%m}"


def warn() -> int:
    """Write down each step that a budget has reached and that was not told yet, and have it mailed.
    How many.

    Of several steps reached at once the highest is mailed; the lower ones are only written down.
    """
    made = 0
    for limit in limits():
        reached = [step for step in STEPS if limit.percent >= step]
        for step in reached:
            warning, new = BudgetWarning.objects.get_or_create(
                scope=limit.scope,
                period=limit.period,
                percent=step,
                defaults={"at": timezone.now(), "words": _words(limit)[:200]},
            )
            made += new
            if not warning.claimed_at and step < reached[-1]:
                BudgetWarning.objects.filter(pk=warning.pk, claimed_at=None).update(
                    claimed_at=timezone.now()
                )
    for pk in BudgetWarning.objects.filter(claimed_at=None).values_list("pk", flat=True):
        enqueue(MAIL, pk)
    return made


def _words(limit: Limit) -> str:
    return _("%(name)s: %(taken)s of %(amount)s %(currency)s are spent or held.") % {
        "name": limit.name, "taken": exact(limit.taken), "amount": exact(limit.amount),
        "currency": limit.currency,
    }  # fmt: skip


def tell(pk: int) -> bool:
    """Mail a warning to administrators and to whose budget it is, where nobody has. Whether it was
    mailed now.

    Claimed before it leaves: a crash in between loses the mail, never doubles it; the page shows
    the warning anyway.
    """
    if not BudgetWarning.objects.filter(pk=pk, claimed_at=None).update(claimed_at=timezone.now()):
        return False
    warning = BudgetWarning.objects.get(pk=pk)
    subject = _("ViberDash: %(percent)d%% of a budget is reached") % {"percent": warning.percent}
    return bool(
        mail.mail(
            _people(warning), subject, f"{warning.words}\n\n{mail.link(reverse('month-budgets'))}\n"
        )
    )


def _people(warning: BudgetWarning) -> QuerySet[User]:
    kind, _colon, rest = warning.scope.partition(":")
    owner: int | None = None
    if kind == "user":
        owner = int(rest.partition(":")[0])
    elif kind == "campaign":
        owner = Campaign.objects.filter(pk=int(rest)).values_list("launched_by", flat=True).first()
    administrators = users_with_role(Role.ADMINISTRATOR)
    return (
        administrators | User.objects.filter(pk=owner, is_active=True) if owner else administrators
    )
