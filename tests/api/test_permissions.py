"""What each role may ask of each operation, as a table (permissions.txt). An operation without a
row fails; WRITE_PERMISSIONS=1 writes the table anew, to be read before it is committed.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from campaigns.api.v1 import openapi
from campaigns.contacts.people.person_ids import id_of
from campaigns.models import Campaign, Recipient, Sender, Trigger
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.models import Brand, Role
from campaigns.team.permissions import PERMISSIONS, Permission
from campaigns.team.tokens.models import ApiToken
from tests.addresses.rows import FIRST, PHONE, REHEARSAL, make_rows
from tests.api.client import ApiClient, picture
from tests.api.conftest import client_of
from tests.engagement.visits import click_value
from tests.reports.factories import make_user

# no database decides what a role may do
pytestmark = [pytest.mark.django_db, pytest.mark.walk]
SENDER = "ViberShop"  # that of make_rows
TABLE = Path(__file__).with_name("permissions.txt")
# what an operation is sent, so that nothing but the right to ask decides; ids are FIRST
PLAN = {"repeat": "daily", "at": "10:00", "first_day": "2027-01-01", "people_max": 5}
BODIES: dict[str, Any] = {
    "create_list": {"name": "New"},
    "change_list": {"name": "New"},
    "add_contact": {"phone": "0971239999"},
    "add_contacts": {"contacts": [{"phone": "0971239999"}]},
    "change_contact": {"fields": {"city": "Рим"}},
    "create_campaign": {"name": "New", "sender": SENDER, "text": "Hello"},
    "change_campaign": {"name": "New"},
    "launch_campaign": {"recipients": 3, "audience": "3:0"},
    "approve_campaign": {"fingerprint": "0"},
    "return_campaign": {"note": "Shorter."},
    "send_test": {"phones": ["0971239999"]},
    "choose_variant": {"variant": "B"},
    "set_campaign_budget": {"amount": "5"},
    "set_sending_hours": {"hours": "10:00-18:00"},
    "reschedule_campaign": {"scheduled_at": "2030-01-31T09:00:00Z"},
    "resend_campaign": {},
    "create_follow_up": {"who": "not_read", "hours": 24},
    "hold_sending": {},
    "release_sending": {},
    "add_campaign_label": {"name": "VIP"},
    "add_note": {"text": "Note"},
    "set_monthly_budget": {"amount": "5"},
    "set_budget_of_user": {"amount": "5"},
    "set_approval_limit": {"amount": "5"},
    "copy_contacts": {"name": "New"},
    "change_field_types": {"formats": {"city": "text"}},
    "create_import": {"list_name": "New", "text": "phone\n0971239999"},
    "change_import_layout": {"header": True},
    "choose_import_columns": {"columns": [{"column": "A", "use": "phone"}]},
    "create_import_schedule": {"import_id": FIRST, "at": "08:00"},
    "pause_import_schedule": {"paused": True},
    "change_person": {"notes": "New"},
    "stop_phones": {"phones": ["0971239999"]},
    "accept_stop_list_proposals": {"ids": [FIRST]},
    "dismiss_stop_list_proposals": {"ids": [FIRST]},
    "set_stop_list_proposals_setting": {"failures": 5},
    "set_frequency_cap": {"messages": 3, "days": 7},
    "set_consent_setting": {"promotional_needs_consent": True},
    "set_campaign_frequency_cap": {"cap": "none"},
    "create_segment": {"name": "New", "conditions": [{"kind": "consent", "value": "given"}]},
    "count_conditions": {"conditions": [{"kind": "consent", "value": "given"}]},
    "change_segment": {"name": "New"},
    "create_template": {"campaign_id": FIRST, "name": "New"},
    "lock_template": {"locked": ["text"]},
    "rename_picture": {"title": "New"},
    "create_label": {"name": "New"},
    "change_label": {"colour": "red"},
    "create_test_group": {"name": "New", "phones": ["+380971239999"]},
    "create_sender": {"name": "New"},
    "create_webhook": {"address": "https://hooks.example.com/2", "kinds": ["message.read"]},
    "change_webhook": {"description": "New"},
    "rotate_webhook_secret": {},
    "create_saved_report": {"name": "New"},
    "add_correction": {"amount": "1", "currency": "EUR", "channel": "viber", "note": "Why"},
    "add_fee": {"sender_id": FIRST, "month": "2026-11", "amount": "5", "currency": "EUR"},
    "send_event": {"event": "order.paid", "id": "2", "phone": "0971239999"},
    "create_trigger": {"event": "order.left", "draft_id": FIRST},
    "set_trigger_limits": {"people_max": 10},
    "create_series": {"draft_id": FIRST, **PLAN},
    "set_series_plan": PLAN,
    "skip_series_run": {"day": "2027-01-01"},
    "create_brand": {"name": "New"},
    "rename_brand": {"name": "New"},
}
CSV = ("people.csv", b"phone\n0971239999\n")
# files, and the values around them
FILES: dict[str, tuple[tuple[str, bytes], dict[str, str]]] = {
    "import_file": (CSV, {}),
    "stop_file": (CSV, {}),
    "create_picture": (("grey.png", picture()), {}),
}
QUERIES = {
    "find_contacts": "?phone=380970000001",
    "find_person": "?phone=380970000001",
    "list_messages": "?phone=380970000001",
}
PATHS = {"{person_id}": id_of(PHONE), "{currency}": "EUR", "{brand_id}": str(MAIN), "{kind}": "csv"}
ROWS = {"go_live": REHEARSAL}
ANSWERS = {401: "token", 403: "refused", 404: "not found"}


def clients() -> dict[str, ApiClient]:
    """By column: each role with all that it may do, a scope less, and another brand."""
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    make_rows(boss)
    marketer = make_user("marketer", Role.MARKETER)
    users = {
        Role.VIEWER: make_user("viewer", Role.VIEWER),
        Role.MARKETER: marketer,
        Role.APPROVER: make_user("approver", Role.APPROVER),
        Role.ADMINISTRATOR: boss,
    }
    columns = {"nobody": ApiClient(Client(), ApiToken(), "")}
    columns |= {role.value: client_of(user, PERMISSIONS[role]) for role, user in users.items()}
    columns["marketer who may view"] = client_of(marketer, {Permission.VIEW})
    with acting_for(Brand.objects.create(name="Other", slug="other").pk):
        Sender.objects.create(name=SENDER)
        draft = Campaign.objects.create(name="Paid", text="Thanks")
        Trigger.objects.create(event="order.paid", draft=draft)
        columns["another brand"] = client_of(boss, frozenset(Permission))
    return columns


def conversion() -> Any:
    """After a click on the button of the campaign that was sent."""
    sent = Campaign._base_manager.filter(pk=FIRST + 1)
    url = sent.values_list("button_url", flat=True).get()
    sent.update(tracked_links=[["button_url", 0, len(url)]], track_conversions=True)
    recipient = Recipient._base_manager.filter(campaign__in=sent).order_by("pk")[0]
    return {"id": "order-1", "click": click_value(recipient), "value": "5", "currency": "EUR"}


def rows() -> Iterator[str]:
    columns = clients()
    bodies = BODIES | {"create_conversion": conversion()}
    yield "\t".join(["operation", *columns])
    for path, operations in openapi()["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            address = path.removeprefix("/api/v1/")
            for part in re.findall(r"\{\w+\}", address):
                address = address.replace(part, PATHS.get(part, str(ROWS.get(name, FIRST))))
            outcomes = []
            for client in columns.values():
                with transaction.atomic():
                    if name in FILES:
                        answer = client.upload(address, *FILES[name])
                    else:
                        query = QUERIES.get(name, "")
                        answer = client.send(method.upper(), address + query, bodies.get(name))
                    transaction.set_rollback(True)
                outcomes.append(ANSWERS.get(answer.status_code, "yes"))
                assert answer.status_code != 422, (name, answer.content)
                assert answer.status_code < 500, (name, answer.content)
            yield "\t".join([f"{method.upper()} {path}", *outcomes])


def test_each_operation_answers_each_role_as_the_table_says() -> None:
    lines = list(rows())
    if os.environ.get("WRITE_PERMISSIONS"):
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == TABLE.read_text(encoding="utf-8").splitlines()
