"""What an entry says of who acted and from where, and what it never says."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Timing
from campaigns.models import AuditEntry, CampaignState, Role, User
from campaigns.reports.campaign.activity import describe_entries
from campaigns.shared.brands.scope import acting_for
from campaigns.team import audit, mail_delivery
from campaigns.team.audit import commands, context
from campaigns.team.audit.append_only import ensure_append_only
from campaigns.team.models import ActorKind, Brand, Membership
from campaigns.team.pages.audit.middleware import session_mark
from tests.reports.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
COLUMNS = ("action", "actor_name", "kind", "role", "address", "result", "reason")


@pytest.fixture
def olena(settings: Settings) -> User:
    settings.SENDS_MAIL = True
    olena = make_user("olena", email="olena@example.com")
    olena.set_password(PASSWORD)
    olena.save()
    return olena


def entries(*columns: str) -> list[Any]:
    return list(AuditEntry.objects.order_by("pk").values_list(*columns or COLUMNS))


def test_requests_name_user_role_address_and_session(olena: User, client: Client) -> None:
    client.post("/sign-in/", {"login": "olena", "password": "wrong"}, REMOTE_ADDR="2001:db8::1")
    client.post("/sign-in/", {"login": "olena", "password": PASSWORD})
    mark = session_mark(str(client.session.session_key))
    campaign = make_campaign()
    client.post(f"/campaigns/{campaign.pk}/note", {"text": "Ask +380 97 123-45-67"})
    client.post("/sign-out/")
    assert entries() == [
        ("sign-in failed", "", "visitor", "", "2001:db8::1", "refused", ""),
        ("signed in", "olena", "user", "marketer", "127.0.0.1", "done", ""),
        ("noted", "olena", "user", "marketer", "127.0.0.1", "done", ""),
        ("signed out", "olena", "user", "marketer", "127.0.0.1", "done", ""),
    ]
    assert [session for (session,) in entries("session")] == ["", mark, mark, mark]
    assert len(mark) == 16
    assert mark not in str(client.session.session_key)


def test_link_and_the_password_chosen_with_it(olena: User, client: Client) -> None:
    client.post("/password/forgotten/", {"email": "olena@example.com"})
    mail_delivery.deliver_due()
    path = re.search(r"http://[^/]+(/password/\S+)", str(mail.outbox[0].body))[1]  # type: ignore[index]
    form = client.get(path, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": f"{PASSWORD} 2", "password2": f"{PASSWORD} 2"})
    assert [action for (action,) in entries("action")][:2] == [
        "password link requested", "password chosen by link",
    ]  # fmt: skip


def test_too_many_tries_are_recorded_once(olena: User, client: Client) -> None:
    for _try in range(12):
        client.post("/sign-in/", {"login": "olena", "password": "wrong"})
    actions = [action for (action,) in entries("action")]
    assert (actions.count("sign-in failed"), actions.count("sign-in refused")) == (5, 1)


def test_refusal_is_recorded_once_in_ten_minutes(client: Client) -> None:
    client.force_login(make_user("viewer", Role.VIEWER))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _try in range(3):
            assert client.get("/settings/team/").status_code == 403
        assert client.post("/settings/labels/", {"name": "x"}).status_code == 403
        clock.shift(timedelta(minutes=11))
        assert client.get("/settings/team/").status_code == 403
    refused = ("refused", "viewer", "user", "viewer", "127.0.0.1", "refused", "no permission")
    assert entries() == [refused] * 3
    assert entries("subject", "detail") == [
        ("page:member-list", "GET"), ("page:label-list", "POST"), ("page:member-list", "GET"),
    ]  # fmt: skip


def test_commands_name_the_user_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ihor")
    campaign = make_campaign()
    call_command("campaign", "budget", str(campaign.pk), "10", stdout=StringIO())
    call_command("rebuild_totals", stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("campaign", "pause", str(campaign.pk), stdout=StringIO())
    user = commands.system_user()
    assert user.endswith("(sudo by ihor)")
    assert entries("action", "actor_name", "kind", "subject", "result") == [
        ("budget", f"{user}, manage.py campaign", "command", f"campaign:{campaign.pk}", "done"),
        ("ran", f"{user}, manage.py rebuild_totals", "command", "command:rebuild_totals", "done"),
        ("ran", f"{user}, manage.py campaign", "command", "command:campaign", "refused"),
    ]
    assert describe_entries(audit.activity(campaign))[0].actor == f"{user}, manage.py campaign"
    detail, reason = AuditEntry.objects.values_list("detail", "reason").latest("pk")
    assert detail == f"verb, id {campaign.pk}"
    assert "Draft" in reason


def test_without_an_origin_the_system_acts() -> None:
    audit.record(None, "campaign:1", "finished")
    assert entries() == [("finished", "", "system", "", "", "done", "")]
    assert AuditEntry.objects.get().who == "ViberDash"


def test_a_token_acts_for_its_user(olena: User) -> None:
    class Token(context.Origin):
        kind = ActorKind.TOKEN

    with context.acting_from(Token()):
        audit.record(olena, "campaign:1", "launched")
    assert entries("kind", "actor_name", "role") == [("token", "olena", "marketer")]


def test_an_account_that_is_removed_keeps_its_id_and_name(olena: User, client: Client) -> None:
    audit.record(olena, "campaign:1", "launched")
    pk = olena.pk
    olena.delete()
    entry = AuditEntry.objects.select_related("actor").get()
    assert (entry.actor_id, entry.actor, entry.who) == (pk, None, "olena")
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    assert b"launched" in client.get(f"/settings/audit/?who={pk}").content


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("people 380971234567.csv", "people 380…67.csv"),
        ("from +380971234567", "from +380…67"),
        ("12345678 of 12345678", "12345678 of 12345678"),
        ("1234567.0000001 EUR", "1234567.0000001 EUR"),
    ],
)
def test_phones_are_cut(text: str, kept: str) -> None:
    audit.record(None, "campaign:1", "edited", text, reason=text)
    assert entries("detail", "reason") == [(kept, kept)]


def test_database_refuses_to_change_the_trail() -> None:
    ensure_append_only()  # as after each migration; another test may have dropped the triggers
    audit.record(None, "campaign:1", "launched")
    statements = [
        "UPDATE campaigns_auditentry SET action = 'paused'",
        "DELETE FROM campaigns_auditentry",
    ]
    if connection.vendor == "postgresql":  # SQLite has no TRUNCATE
        statements += [f"TRUNCATE campaigns_audit{table}" for table in ("entry", "link", "seal")]
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert AuditEntry.objects.get().action == "launched"


def test_an_entry_is_one_statement(olena: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        audit.record(olena, "campaign:1", "launched", "230")


def test_states_that_a_campaign_enters_by_itself() -> None:
    now = timezone.now()
    campaign = make_campaign(state=CampaignState.SCHEDULED, timing=Timing.AT, scheduled_at=now)
    assert lifecycle.start_due(now) == 1
    assert lifecycle.start_due(now) == 0
    assert lifecycle.complete_freeze(campaign.pk, 230)
    assert lifecycle.finish(campaign.pk)
    assert not lifecycle.finish(campaign.pk)
    assert entries("action", "kind", "subject") == [
        (action, "system", f"campaign:{campaign.pk}")
        for action in ("started", "sending", "finished")
    ]


def test_brand_and_the_role_in_it(olena: User) -> None:
    other = Brand.objects.create(name="Toys", slug="toys")
    Membership.objects.create(user=olena, brand=other, role=Role.APPROVER)
    with acting_for(other.pk):
        audit.record(olena, "campaign:1", "approved")
    assert entries("brand", "role") == [(other.pk, "approver")]
