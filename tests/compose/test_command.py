import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns.compose.models import Campaign, Segment, Sender, Timing
from tests.compose.factories import contact_list, draft, senders, ukrainians

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 24, 12, tzinfo=UTC)  # the times that are said below lie ahead of it
LEAST = {"name": "Spring", "sender": "Shop", "text": "Hello"}


@pytest.fixture(autouse=True)
def known_senders() -> None:
    senders("Shop", "New Shop")


def command(*arguments: object) -> Any:
    out = StringIO()
    call_command("campaign", *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue())


def create(tmp_path: Path, values: object) -> Campaign:
    file = tmp_path / "campaign.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values))
    return Campaign.objects.get(pk=command("create", file)["id"])


@time_machine.travel(NOVEMBER)
def test_create_takes_every_field(tmp_path: Path) -> None:
    chosen, out = contact_list("A", ukrainians(3)), contact_list("B", ukrainians(1))
    campaign = create(
        tmp_path,
        {
            "name": "Spring",
            "sender": "New Shop",
            "text": "Привіт, {first_name|друже} 😀",
            "image_url": "https://cdn.example.com/a.png",
            "button_caption": "Купити",
            "button_url": "https://shop.example.com/?n={first_name|x}",
            "sms_sender": "Shop",
            "sms_text": "SMS",
            "promotional": False,
            "validity": 3600,
            "tariff": 2,
            "lists": ["A"],
            "exclude_lists": ["B"],
            "scheduled_at": "2026-12-24T10:00:00+02:00",
            "budget": 12.3456789,
        },
    )
    assert campaign.text == "Привіт, {first_name|друже} 😀"
    assert campaign.sender == Sender.objects.get(name="New Shop")
    assert (campaign.image_url, campaign.button_caption) == (
        "https://cdn.example.com/a.png",
        "Купити",
    )
    assert campaign.button_url == "https://shop.example.com/?n={first_name|x}"
    assert (campaign.sms_sender, campaign.sms_text) == ("Shop", "SMS")
    assert (campaign.promotional, campaign.validity, campaign.tariff) == (False, 3600, 2)
    assert (list(campaign.lists.all()), list(campaign.exclude_lists.all())) == ([chosen], [out])
    assert (campaign.timing, campaign.scheduled_at) == (
        Timing.AT,
        datetime(2026, 12, 24, 8, tzinfo=UTC),
    )
    assert campaign.budget == Decimal("12.3456789")


def test_create_takes_null_for_the_default(tmp_path: Path) -> None:
    rest = dict.fromkeys(
        ("image_url", "button_url", "sms_text", "promotional", "validity", "tariff", "lists")
    )
    campaign = create(tmp_path, {**LEAST, **rest, "scheduled_at": None, "budget": None})
    assert (campaign.promotional, campaign.validity, campaign.timing) == (True, 86_400, Timing.NOW)
    assert (campaign.budget, campaign.scheduled_at) == (None, None)


@time_machine.travel(NOVEMBER)
def test_create_takes_a_time_by_the_recipients_clocks(tmp_path: Path) -> None:
    people = contact_list("A", ukrainians(1))
    people.countries = {"UA": 1}
    people.save()
    campaign = create(tmp_path, {**LEAST, "lists": ["A"], "local_at": "2026-12-24T10:00"})
    assert (campaign.timing, campaign.local_at) == (Timing.LOCAL, "2026-12-24T10:00")
    assert campaign.scheduled_at == datetime(2026, 12, 24, 8, tzinfo=UTC)  # Kyiv


@pytest.mark.parametrize(
    ("values", "expected_text"),
    [
        ("{", "is not JSON"),
        ("[]", "must contain one object"),
        ({**LEAST, "colour": "red"}, "unknown field: colour"),
        ({**LEAST, "text": ""}, "text:"),
        ({**LEAST, "text": 5}, "text must be a text."),
        ({**LEAST, "text": "я" * 1001}, "text: The text must have 1 to 1000 characters."),
        ({"name": "Spring"}, "sender: Choose a sender."),
        ({**LEAST, "sender": "s" * 15}, "sender:"),
        ({**LEAST, "sender": "Bank"}, "sender: “Bank” is not a sender in ViberDash."),
        (
            {**LEAST, "image_url": "https://cdn.example.com/a.png"},
            "image_url: An image needs a button",
        ),
        ({**LEAST, "button_caption": "Buy"}, "button_url:"),
        ({**LEAST, "sms_text": "Hi"}, "sms_sender:"),
        ({**LEAST, "validity": 14}, "validity:"),
        ({**LEAST, "validity": 20.5}, "validity must be a whole number."),
        ({**LEAST, "validity": True}, "validity must be a whole number."),
        ({**LEAST, "tariff": 10}, "tariff:"),
        ({**LEAST, "promotional": "yes"}, "promotional must be true or false."),
        ({**LEAST, "lists": ["Nobody"]}, "lists: there is no contact list “Nobody”."),
        ({**LEAST, "segments": ["Nobody"]}, "segments: there is no segment “Nobody”."),
        (
            {**LEAST, "campaigns": [{"campaign": 1, "outcome": "seen"}]},
            "campaigns must be an array of 12 or of {“campaign”: 12,",
        ),
        ({**LEAST, "campaigns": [99]}, "campaigns: This campaign was not sent"),
        ({**LEAST, "lists": "A"}, "lists must be an array of names of contact lists"),
        ({**LEAST, "lists": []}, "lists: Name at least one list, or leave the field out."),
        (
            {**LEAST, "scheduled_at": "2026-12-24T10:00:00"},
            "scheduled_at must be a time with an offset",
        ),
        ({**LEAST, "local_at": "2026-12-24T10:00Z"}, "local_at must be a time without an offset"),
        ({**LEAST, "local_at": 9}, "local_at must be a time without an offset"),
        (
            {**LEAST, "local_at": "2020-12-24T10:00"},
            "scheduled_at: This time has already passed where some recipients are.",
        ),
        (
            {**LEAST, "local_at": "2026-12-24T10:00", "scheduled_at": "2026-12-24T10:00:00Z"},
            "Use either scheduled_at or local_at, not both.",
        ),
        (
            {**LEAST, "scheduled_at": "2020-12-24T10:00:00Z"},
            "scheduled_at: Choose a time in the future.",
        ),
        ({**LEAST, "budget": -1}, "budget:"),
        (
            {**LEAST, "sending_hours": "9 to 5"},
            "hours within one day, such as 09:00-21:00, or null",
        ),
        ({**LEAST, "sending_hours": "21:00-09:00"}, "sending_hours must be hours within one day"),
        ({**LEAST, "sending_hours": 9}, "sending_hours must be hours within one day"),
        ({**LEAST, "rate": 0}, "rate:"),
        ({**LEAST, "rate": 1.5}, "rate must be a whole number."),
        ({**LEAST, "budget": [1]}, "budget must be an amount"),
    ],
)
def test_create_refuses_in_one_line(tmp_path: Path, values: object, expected_text: str) -> None:
    with pytest.raises(CommandError) as refused:
        create(tmp_path, values)
    assert expected_text in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Campaign.objects.exists()
    assert Sender.objects.count() == 2  # those from before


def test_create_names_a_file_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        command("create", "/nowhere.json")


def test_commands_go_through_the_life_cycle() -> None:
    pk = draft(contact_list("A", ukrainians(2))).pk
    assert command("launch", pk) == {"id": pk, "state": "preparing"}
    assert command("pause", pk) == {"id": pk, "state": "paused"}
    assert command("resume", pk) == {"id": pk, "state": "preparing"}
    assert command("cancel", pk) == {"id": pk, "state": "cancelled"}
    with pytest.raises(CommandError, match="can't be launched"):
        command("launch", pk)


def test_launch_refuses_a_draft_with_a_problem() -> None:
    with pytest.raises(CommandError, match="Choose a list or a segment"):
        command("launch", draft().pk)


def test_status_answers_with_all_its_keys() -> None:
    answer = command("status", draft().pk)
    assert list(answer) == [
        "state", "reason", "recipients", "queued", "accepted", "refused", "unresolved", "cancelled",
        "delivery", "spend",
    ]  # fmt: skip
    assert answer["state"] == "draft"


@pytest.mark.parametrize(
    ("values", "hours"),
    [
        ({}, None),
        ({"sending_hours": "09:00-21:00"}, "09:00-21:00"),
        ({"promotional": False, "sending_hours": "10:00-18:30"}, "10:00-18:30"),
        ({"sending_hours": None}, None),
    ],
)
def test_create_takes_sending_hours(
    tmp_path: Path, values: dict[str, object], hours: str | None
) -> None:
    campaign = create(tmp_path, {**LEAST, **values})
    assert (str(campaign.sending_hours) if campaign.sending_hours else None) == hours


def test_create_takes_a_rate(tmp_path: Path) -> None:
    assert create(tmp_path, {**LEAST, "rate": 50}).rate == 50
    assert create(tmp_path, LEAST).rate is None


def test_budget_is_changed_until_the_campaign_is_over() -> None:
    pk = draft(contact_list("A", ukrainians(2))).pk
    assert command("budget", pk, "12.5") == {"id": pk, "state": "draft", "budget": "12.50"}
    assert command("budget", pk, "none") == {"id": pk, "state": "draft", "budget": None}
    with pytest.raises(CommandError, match="Enter a number"):
        command("budget", pk, "much")
    command("launch", pk)
    command("cancel", pk)
    with pytest.raises(CommandError, match="can't be given a new budget"):
        command("budget", pk, "1")


def test_hours_are_changed_while_it_is_under_way() -> None:
    pk = draft(contact_list("A", ukrainians(2))).pk
    with pytest.raises(CommandError, match="can't be given new sending hours: it is “Draft”"):
        command("hours", pk, "09:00-21:00")
    command("launch", pk)
    assert command("hours", pk, "09:00-21:00") == {
        "id": pk,
        "state": "preparing",
        "hours": "09:00-21:00",
    }
    assert str(Campaign.objects.get().sending_hours) == "09:00-21:00"
    for wrong in ("9", "21:00-09:00", "morning-noon"):
        with pytest.raises(CommandError):
            command("hours", pk, wrong)
    assert command("hours", pk, "none") == {"id": pk, "state": "preparing", "hours": None}


def test_resend_is_refused_without_failed_recipients() -> None:
    pk = draft(contact_list("A", ukrainians(2))).pk
    with pytest.raises(CommandError, match="not over yet"):
        command("resend", pk)
    command("launch", pk)
    command("cancel", pk)
    with pytest.raises(CommandError, match="There are no failed recipients to resend to"):
        command("resend", pk, "--unresolved")


@pytest.mark.parametrize("verb", ["launch", "pause", "resume", "cancel", "status", "resend"])
def test_a_campaign_that_is_not_there_is_named(verb: str) -> None:
    with pytest.raises(CommandError, match="There is no campaign 99"):
        command(verb, 99)


def test_create_takes_segments_and_earlier_campaigns(tmp_path: Path) -> None:
    earlier = draft(frozen_at=datetime(2026, 1, 1, tzinfo=UTC))
    new, old = Segment.objects.create(name="New"), Segment.objects.create(name="Old")
    chosen = {
        "campaigns": [earlier.pk],
        "exclude_campaigns": [{"campaign": earlier.pk, "outcome": "read"}],
    }
    campaign = create(
        tmp_path, {**LEAST, "segments": ["New"], "exclude_segments": ["Old"], **chosen}
    )
    assert (list(campaign.segments.all()), list(campaign.exclude_segments.all())) == ([new], [old])
    rows = campaign.earlier.order_by("left_out").values_list("source", "outcome", "left_out")
    assert list(rows) == [(earlier.pk, "all", False), (earlier.pk, "read", True)]
