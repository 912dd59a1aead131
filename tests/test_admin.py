"""The Django admin: for administrators, to look at everything and to change what is theirs."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from campaigns.admin import Huge, ReadOnly, ShortPaginator
from campaigns.models import (
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    LedgerEntry,
    OutgoingMail,
    Recipient,
    Role,
    Sender,
    StopListEntry,
    User,
)
from campaigns.shared.brands import scope
from tests.made_rows import make_row
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
MODELS = [model for model in admin.site._registry if model._meta.app_label == "campaigns"]
READ_ONLY = [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnly)]


def page(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:campaigns_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_can_be_looked_at(boss: Client, model: type[Model]) -> None:
    send(
        make_campaign("Autumn", CampaignState.FINISHED), {("UA", "read"): 2, ("UA", "unpriced"): 1}
    )
    assert boss.get(page(model, "changelist")).status_code == 200
    row = model._default_manager.first()
    if row:
        assert boss.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_domain_rows_are_read_only(boss: Client, model: type[Model]) -> None:
    send(make_campaign("Autumn", CampaignState.FINISHED), {("UA", "read"): 1})
    assert boss.get(page(model, "add")).status_code == 403
    row = model._default_manager.first()
    if row:
        assert boss.post(page(model, "change", row.pk), {}).status_code == 403
        assert boss.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [Recipient, LedgerEntry])
def test_the_ledger_and_its_people_are_read_only(model: type[Model]) -> None:
    assert model in READ_ONLY


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER])
def test_nobody_else_gets_in_whatever_flags_they_have(client: Client, role: Role) -> None:
    client.force_login(make_user("mallory", role, is_staff=True))
    assert client.get(page(Campaign, "changelist")).status_code == 403
    assert client.get(page(User, "add")).status_code == 403


def test_rows_cost_the_same_with_one_and_with_three(
    boss: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 2, 3):
        campaign = make_campaign(f"No. {number}", CampaignState.FINISHED, sender=f"Sender {number}")
        send(campaign, {("UA", "read"): 2})
        for model in (Recipient, LedgerEntry):
            with django_assert_num_queries(4):
                boss.get(page(model, "changelist"))


def test_no_list_asks_a_query_for_each_row(boss: Client) -> None:
    def queries(model: type[Model]) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert boss.get(page(model, "changelist")).status_code == 200
        return len(asked)

    grown = []
    for model in MODELS:
        make_row(model)
        with_few, few = queries(model), model._default_manager.count()
        make_row(model)
        make_row(model)
        assert model._default_manager.count() == few + 2
        if queries(model) != with_few:
            grown.append(model.__name__)
    assert grown == []


def test_a_huge_table_is_counted_no_further_than_needed(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    send(make_campaign("Autumn", CampaignState.FINISHED), {("UA", "read"): 9})
    paginator = ShortPaginator(Recipient.objects.order_by("-pk"), 2)
    paginator.most = 5
    with django_assert_num_queries(1):
        assert paginator.count == 5


def test_actions_go_through_the_life_cycle_and_name_who_may_not(boss: Client) -> None:
    sending, finished = (
        make_campaign("Now", CampaignState.SENDING),
        make_campaign("Then", CampaignState.FINISHED),
    )
    chosen = {"action": "pause", "_selected_action": [sending.pk, finished.pk]}
    answer = boss.post(page(Campaign, "changelist"), chosen, follow=True)
    sending.refresh_from_db()
    finished.refresh_from_db()
    assert (sending.state, sending.reason, finished.state) == (
        CampaignState.PAUSED,
        "by_person",
        CampaignState.FINISHED,
    )
    assert [str(message) for message in answer.context["messages"]] == [
        "Then: The campaign can't be paused: it is “Finished”.",
        "1 campaign changed.",
    ]


def test_sending_hours_are_changed_where_they_may(boss: Client) -> None:
    sending = make_campaign("Goes out", CampaignState.SENDING)
    make_campaign("Over", CampaignState.FINISHED)
    chosen = {
        "action": "change_hours",
        "_selected_action": list(Campaign.objects.values_list("pk", flat=True)),
    }
    values = boss.post(
        page(Campaign, "changelist"), {**chosen, "hours": "09:00-21:00"}, follow=True
    ).content.decode()
    assert "Over: The campaign can&#x27;t be given new sending hours" in values
    sending.refresh_from_db()
    assert str(sending.sending_hours) == "09:00-21:00"
    wrong = boss.post(
        page(Campaign, "changelist"), {**chosen, "hours": "21-9"}, follow=True
    ).content.decode()
    assert "Enter hours within one day" in wrong


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("resume", CampaignState.PAUSED, CampaignState.PREPARING),
        ("cancel", CampaignState.SENDING, CampaignState.CANCELLED),
    ],
)
def test_resume_and_cancel(
    boss: Client, action: str, before: CampaignState, after: CampaignState
) -> None:
    campaign = make_campaign("Now", before, reason="by_person")
    boss.post(page(Campaign, "changelist"), {"action": action, "_selected_action": [campaign.pk]})
    campaign.refresh_from_db()
    assert campaign.state == after


def test_users_are_managed_elsewhere(boss: Client) -> None:
    assert User in READ_ONLY
    olena = make_user("olena")
    shown = boss.get(page(User, "change", olena.pk)).content.decode()
    assert "olena" in shown
    assert "md5$" not in shown


def test_nothing_of_allauth_and_no_text_of_a_mail_can_be_looked_at(boss: Client) -> None:
    registered = {model.__module__.partition(".")[0] for model in admin.site._registry}
    assert registered == {"campaigns"}
    link = "https://viber.example.com/password/1/secret/"
    mail = OutgoingMail.objects.create(address="a@b.cd", body=link, next_try_at=timezone.now())
    assert "secret" not in boss.get(page(OutgoingMail, "change", mail.pk)).content.decode()


def test_signing_in_and_out_and_passwords_are_the_site_s(client: Client) -> None:
    answer = client.get("/admin/login/?next=/admin/")
    assert answer.headers["Location"] == "/sign-in/?next=%2Fadmin%2F"
    client.force_login(make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    assert "Repeat the new password" in client.get("/admin/password_change/").content.decode()
    assert client.get("/admin/logout/").status_code == 405
    assert client.post("/admin/logout/").headers["Location"] == "/sign-in/"
    client.force_login(make_user("mallory", Role.VIEWER))
    assert client.get("/admin/login/").status_code == 403


def test_a_sender_can_be_added(boss: Client) -> None:
    boss.post(page(Sender, "add"), {"name": "NewShop", "brand": scope.MAIN})
    assert Sender.objects.filter(name="NewShop").exists()


@pytest.mark.parametrize("model", [Contact, StopListEntry, Recipient])
def test_search_for_a_phone_uses_its_index(boss: Client, model: type[Model]) -> None:
    campaign = make_campaign("Autumn", CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 1})
    msisdn = Recipient.objects.get().msisdn
    clients = ContactList.objects.create(name="Clients")
    Contact.objects.create(list=clients, msisdn=msisdn)
    StopListEntry.objects.create(msisdn=msisdn)
    with CaptureQueriesContext(connection) as queries:
        answer = boss.get(page(model, "changelist"), {"q": msisdn})
    assert [row.msisdn for row in answer.context["cl"].result_list] == [msisdn]
    searches = [query["sql"] for query in queries if msisdn in query["sql"]]
    assert searches
    assert not [sql for sql in searches if "UPPER" in sql or "LIKE" in sql]


def test_searches_of_huge_tables_are_exact(boss: Client) -> None:
    searched = {
        field: model.__name__
        for model, pages in admin.site._registry.items()
        if isinstance(pages, Huge)
        for field in pages.search_fields
    }
    assert searched
    assert [field for field in searched if not field.endswith("__exact")] == []
