"""Monthly budgets: set and removed. They limit from the next batch on, and what they had paused
continues at once where there is room.
"""

from decimal import Decimal

from django.db import transaction

from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.budgets.reservations import resume_where_it_fits
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.models import User


@transaction.atomic
def set_month_budget(currency: str, amount: Decimal, actor: User) -> MonthlyBudget:
    """Let all campaigns together cost at most `amount` of `currency` in a month."""
    budget, _created = MonthlyBudget.objects.update_or_create(
        currency=currency, defaults={"amount": amount}
    )
    audit.record(actor, budget, "set", f"{exact(amount)} {currency}")
    transaction.on_commit(resume_where_it_fits)
    return budget


@transaction.atomic
def set_user_budget(user: User, currency: str, amount: Decimal, actor: User) -> UserBudget:
    """Let the campaigns that `user` launches cost at most `amount` of `currency` in a month."""
    budget, _created = UserBudget.objects.update_or_create(
        user=user, currency=currency, defaults={"amount": amount}
    )
    audit.record(actor, budget, "set", f"{user}: {exact(amount)} {currency}")
    transaction.on_commit(resume_where_it_fits)
    return budget


@transaction.atomic
def remove_budget(budget: MonthlyBudget | UserBudget, actor: User) -> None:
    """Remove `budget`; the others go on limiting."""
    of_user = isinstance(budget, UserBudget)
    audit.record(actor, budget, "removed", str(budget) if of_user else budget.currency)
    budget.delete()
    transaction.on_commit(resume_where_it_fits)
