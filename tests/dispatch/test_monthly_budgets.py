"""A monthly budget is not exceeded by prices as listed, whoever sends at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle, pause_reasons
from campaigns.compose.launch.pause_reasons import Pause
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results import campaign_status
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.reports.factories import make_user
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sandbox_prices(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL = sandbox.api_url
    settings.BSG_API_KEY = sandbox.key


@pytest.fixture
def january() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 31, 12, 0, tzinfo=UTC)) as traveller:
        yield traveller


def set_monthly_budget(amount: str, currency: str = "EUR") -> None:
    MonthlyBudget.objects.update_or_create(currency=currency, defaults={"amount": Decimal(amount)})


def send(sandbox: RunningSandbox) -> None:
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def total() -> Decimal:
    return sum(
        (
            spend["EUR"]["total"]
            for campaign in Campaign.objects.all()
            if (spend := campaign_status.spend(campaign))
        ),
        Decimal(0),
    )


def state_and_reason(campaign: Campaign) -> tuple[str, str]:
    campaign.refresh_from_db()
    return campaign.state, campaign.reason


def test_monthly_budget_pauses_campaigns_without_their_own(
    sandbox: RunningSandbox,
) -> None:
    set_monthly_budget("10")
    campaign = factory.launched(900)
    send(sandbox)
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "month_budget")
    assert "this month's budget" in pause_reasons.reason_text(campaign)
    assert Decimal(5) < total() <= Decimal(10)


def test_monthly_budget_counts_all_campaigns(sandbox: RunningSandbox) -> None:
    set_monthly_budget("10")
    first = factory.launched(150)
    send(sandbox)
    spent = total()
    assert Decimal(0) < spent < Decimal(10)
    second = factory.launched(901)
    send(sandbox)
    assert state_and_reason(first)[0] == CampaignState.SENDING
    assert state_and_reason(second) == (CampaignState.PAUSED, "month_budget")
    assert spent < total() <= Decimal(10)


def test_monthly_budget_in_another_currency_limits_nothing(sandbox: RunningSandbox) -> None:
    set_monthly_budget("0", "USD")
    factory.launched(120)
    send(sandbox)
    assert sandbox.bill()["messages"] == 120


def test_monthly_budget_includes_the_sms_that_may_follow(sandbox: RunningSandbox) -> None:
    set_monthly_budget("15")
    factory.launched(900, sms_sender="Shop", sms_text="Hello by SMS")
    send(sandbox)
    held = sum(batch.held for batch in Batch.objects.filter(held__isnull=False))
    assert held > 0
    assert total() + held <= Decimal(15)
    assert (
        reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR"))
        == Decimal(15) - total() - held
    )


def test_raised_monthly_budget_lets_resume_send_exactly_the_rest(sandbox: RunningSandbox) -> None:
    set_monthly_budget("10")
    campaign = factory.launched(900)
    send(sandbox)
    set_monthly_budget("1000")
    lifecycle.resume(campaign.pk, None)
    send(sandbox)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (900, 0)


def test_next_month_starts_with_the_full_budget(
    sandbox: RunningSandbox, january: time_machine.Traveller
) -> None:
    set_monthly_budget("10")
    campaign = factory.launched(200)
    send(sandbox)
    spent = total()
    assert (
        reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR"))
        == Decimal(10) - spent
        < Decimal(10)
    )
    january.move_to(datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC))
    assert reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR")) == Decimal(10)
    assert state_and_reason(campaign)[0] == CampaignState.SENDING


def test_budget_set_while_sending_applies_from_the_next_batch(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(300)
    sender = BatchSender(sandbox.client(), 1, timezone.now() + timedelta(seconds=60))
    # claimed and built while there was no budget
    sender.prepared = sender._build_batches(sender._plan_round([], True).new_claims)
    set_monthly_budget("0.01")
    sender.run()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "month_budget")
    assert sandbox.bill()["messages"] == 0


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_stay_within_the_monthly_budget(sandbox: RunningSandbox) -> None:
    set_monthly_budget("8")
    campaigns = [factory.launched(people) for people in (500, 501)]
    clients = [sandbox.client() for _campaign in campaigns]

    def run(number: int) -> None:
        try:
            BatchSender(clients[number], 4, timezone.now() + timedelta(seconds=60)).run()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert {state_and_reason(campaign) for campaign in campaigns} == {
        (CampaignState.PAUSED, "month_budget")
    }
    assert Decimal(4) < total() <= Decimal(8)
    assert total() == Decimal(sandbox.bill()["spend"]["EUR"]["total"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reason", ["month_budget", "user_budget"])
def test_two_workers_never_reserve_more_than_a_budget(reason: str) -> None:
    """Two campaigns of one user: both workers ask for the budget before either has committed."""
    olena = make_user("olena")
    if reason == "month_budget":
        set_monthly_budget("8")
    else:
        UserBudget.objects.create(user=olena, currency="EUR", amount=Decimal(8))
    campaigns = [factory.launched(people) for people in (50, 49)]
    both_workers = Barrier(2)

    def reserve(campaign: Campaign) -> tuple[int, list[Pause]]:
        cost = reservations.MaximumCost(campaign.pk, Decimal(5), "EUR", olena.pk, Decimal("0.1"))
        try:
            with transaction.atomic():
                answer = reservations.count_affordable([cost])
                # a worker that waits for the lock does not arrive
                with suppress(BrokenBarrierError):
                    both_workers.wait(0.2)
                reservations.reserve(
                    dict.fromkeys(campaign.batches.values_list("pk", flat=True)[: answer[0]], cost)
                )
            return answer
        finally:
            connection.close()

    Campaign.objects.update(launched_by=olena)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(reserve, campaigns))
    assert sorted(affordable for affordable, _reason in answers) == [0, 1]
    assert [pauses for affordable, pauses in answers if not affordable] in [
        [[Pause(campaign.pk, reason)]] for campaign in campaigns
    ]
    assert Batch.objects.aggregate(held=Sum("held")) == {"held": Decimal(5)}


# the pages


def test_administrators_set_and_remove_a_monthly_budget(client: Client) -> None:
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    assert (
        client.post("/settings/budgets/", {"currency": "EUR", "amount": "250.50"}).status_code
        == 302
    )
    assert (
        client.post("/settings/budgets/", {"currency": "EUR", "amount": "300"}).status_code == 302
    )
    [budget] = MonthlyBudget.objects.all()
    assert (budget.currency, budget.amount) == ("EUR", Decimal(300))
    assert "300.00" in client.get("/settings/budgets/").content.decode()
    assert (
        client.post("/settings/budgets/", {"currency": "euro", "amount": "300"}).status_code == 422
    )
    assert client.post("/settings/budgets/", {"currency": "EUR", "amount": "-1"}).status_code == 422
    client.post(f"/settings/budgets/{budget.pk}/delete")
    assert not MonthlyBudget.objects.exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "detail")) == [
        ("set", "250.50 EUR"), ("set", "300.00 EUR"), ("removed", "EUR")
    ]  # fmt: skip


def test_other_users_can_only_view_monthly_budgets(client: Client) -> None:
    set_monthly_budget("300")
    client.force_login(make_user())
    page = client.get("/settings/budgets/")
    assert page.status_code == 200
    assert "Set a budget" not in page.content.decode()
    assert client.post("/settings/budgets/", {"currency": "EUR", "amount": "1"}).status_code == 403
    assert (
        client.post(f"/settings/budgets/{MonthlyBudget.objects.get().pk}/delete").status_code == 403
    )
    assert MonthlyBudget.objects.get().amount == Decimal(300)


def test_raising_a_campaigns_budget_resumes_it(client: Client, sandbox: RunningSandbox) -> None:
    client.force_login(make_user())
    campaign = factory.launched(900, budget=Decimal(10))
    send(sandbox)
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    address = f"/campaigns/{campaign.pk}/budget"
    assert f'href="{address}"' in client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "Reserved for open messages" in client.get(address).content.decode()
    # less than is spent: it stays paused
    shown = client.post(address, {"amount": "1"}, follow=True).content.decode()
    assert "of it is spent or reserved already, so nothing more is sent." in shown
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    shown = client.post(f"/campaigns/{campaign.pk}/resume", follow=True).content.decode()
    assert "the budget has no room for the next messages: it pauses again." in shown
    send(sandbox)
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    client.post(address, {"amount": "1000"})
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")
    send(sandbox)
    assert sandbox.bill()["messages"] == 900


def test_changing_the_budget_does_not_resume_what_a_user_paused() -> None:
    campaign = factory.launched(60, budget=Decimal(10))
    lifecycle.pause(campaign.pk, None)
    assert not reservations.change_budget(campaign.pk, None, Decimal(1000))
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "by_person")


def test_a_budget_page_is_for_marketers_and_campaigns_under_way(client: Client) -> None:
    campaign = factory.launched(60)
    client.force_login(make_user("victor", Role.VIEWER))
    assert client.get(f"/campaigns/{campaign.pk}/budget").status_code == 403
    client.force_login(make_user())
    assert client.post(f"/campaigns/{campaign.pk}/budget", {"amount": "-5"}).status_code == 422
    lifecycle.cancel(campaign.pk, None)
    assert client.post(f"/campaigns/{campaign.pk}/budget", {"amount": "5"}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.budget is None


def test_the_review_warns_that_the_month_has_no_room(client: Client) -> None:
    client.force_login(make_user())
    draft = factory.draft(factory.contact_list("Sixty", 60))
    review = f"/campaigns/{draft.pk}/review"
    set_monthly_budget("1000")
    warning = "but this month&#x27;s budget (All campaigns) has 0.51 EUR left."
    assert warning not in client.get(review).content.decode()
    set_monthly_budget("0.51")
    assert warning in client.get(review).content.decode()
    later = timezone.now() + timedelta(days=40)
    Campaign.objects.update(timing="at", scheduled_at=later)  # it starts in another month
    assert warning not in client.get(review).content.decode()


def test_an_administrator_raises_the_month_and_it_continues_at_once(
    client: Client, sandbox: RunningSandbox, django_capture_on_commit_callbacks: Any
) -> None:
    set_monthly_budget("8")
    campaign = factory.launched(900)
    send(sandbox)
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "month_budget")
    page = f"/campaigns/{campaign.pk}/"
    link = '<a href="/settings/budgets/">Change monthly budgets</a>'
    client.force_login(make_user())
    assert link not in client.get(page).content.decode()
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    assert link in client.get(page).content.decode()
    values = {"currency": "EUR", "amount": "1"}
    with django_capture_on_commit_callbacks(execute=True):
        shown = client.post("/settings/budgets/", values, follow=True).content.decode()
    assert "so nothing more is sent." in shown
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "month_budget")
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/settings/budgets/", values | {"amount": "1000"})
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")
