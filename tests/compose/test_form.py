from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import Settings

from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.models import Campaign, Picture, Timing
from tests.compose.factories import contact_list, draft, senders, ukrainians

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 24, 12, tzinfo=UTC)  # the times that are said below lie ahead of it
BASE = "https://dash.example.com"
BUTTON: dict[str, Any] = {"button_caption": "Buy", "button_url": "https://shop.example.com/"}


@pytest.fixture(autouse=True)
def known_senders() -> None:
    senders("Shop", "s" * 14)


def form(files: dict[str, Any] | None = None, **values: Any) -> CampaignForm:
    return CampaignForm(
        {"name": "Spring", "sender": "Shop", "text": "Hello", **values}, files, base_url=BASE
    )


def filled(made: CampaignForm) -> Campaign:
    assert made.is_valid(), made.errors
    return made.fill(Campaign())


def png(side: int = 400, name: str = "sale.png") -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGB", (side, side), "green").save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), "image/png")


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def test_name_sender_and_text_are_required() -> None:
    campaign = filled(form())
    assert (campaign.text, campaign.promotional, campaign.validity, campaign.tariff) == (
        "Hello",
        True,
        86_400,
        0,
    )
    assert campaign.timing == Timing.NOW
    assert set(CampaignForm({}).errors) == {"name", "sender", "text"}


def test_line_ends_become_one_character() -> None:
    assert filled(form(text="a\r\nb\rc")).text == "a\nb\nc"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "n" * 101}, "name"),
        ({"sender": "s" * 15}, "sender"),
        ({"text": "я" * 1001}, "text"),
        ({"text": "broken \ud83d"}, "text"),
        ({"text": "Hi {first name}"}, "text"),
        ({"promotional": "perhaps"}, "promotional"),
        ({"image_url": "https://cdn.example.com/a.png"}, "image_url"),
        ({**BUTTON, "image_url": "https://cdn.example.com/a.svg"}, "image_url"),
        ({**BUTTON, "image_url": "https://cdn.example.com/a.gif"}, "image_url"),
        ({**BUTTON, "image_url": "ftp://cdn.example.com/a.png"}, "image_url"),
        ({**BUTTON, "image_url": f"https://cdn.example.com/{'a' * 228}.png"}, "image_url"),
        ({"button_caption": "c" * 21, "button_url": "https://shop.example.com/"}, "button_caption"),
        (
            {"button_caption": "{first_name|you}", "button_url": "https://shop.example.com/"},
            "button_caption",
        ),
        ({"button_url": "https://shop.example.com/"}, "button_caption"),
        ({"button_caption": "Buy", "button_url": "ftp://shop.example.com/"}, "button_url"),
        ({"button_caption": "Buy", "button_url": "javascript:alert(1)"}, "button_url"),
        (
            {"button_caption": "Buy", "button_url": "https://user:secret@shop.example.com/"},
            "button_url",
        ),
        ({"button_caption": "Buy", "button_url": "https://{city|x}.example.com/"}, "button_url"),
        (
            {"button_caption": "Buy", "button_url": f"https://shop.example.com/{'a' * 231}"},
            "button_url",
        ),
        ({"button_caption": "Buy"}, "button_url"),
        ({"sms_sender": "Shop"}, "sms_text"),
        ({"sms_text": "Hi"}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "ab"}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "a" * 12}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "12"}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "1" * 16}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "{city|S}"}, "sms_sender"),
        ({"sms_text": "a" * 766, "sms_sender": "Shop"}, "sms_text"),
        ({"sms_text": "a" * 764 + "€", "sms_sender": "Shop"}, "sms_text"),
        ({"validity": "14"}, "validity"),
        ({"validity": "86401"}, "validity"),
        ({"validity": "day"}, "validity"),
        ({"tariff": "-1"}, "tariff"),
        ({"tariff": "10"}, "tariff"),
        ({"lists": ["999"]}, "lists"),
        ({"timing": "at"}, "scheduled_at"),
        ({"timing": "at", "scheduled_at": "soon"}, "scheduled_at"),
        ({"timing": "at", "scheduled_at": "2020-01-01T10:00"}, "scheduled_at"),
        ({"timing": "gateway", "scheduled_at": "2099-01-01T10:00"}, "scheduled_at"),
        ({"timing": "never"}, "timing"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"budget": "-1"}, "budget"),
        ({"budget": "1.00000001"}, "budget"),
        ({"image": "pictures/nobody.png"}, "image"),
    ],
)
def test_value_outside_the_contract_is_refused_at_its_field(
    values: dict[str, Any], field: str
) -> None:
    assert set(form(**values).errors) == {field}


@pytest.mark.parametrize(
    "values",
    [
        {"text": "я" * 999 + "😀", "sender": "s" * 14},
        {"button_caption": "c" * 20, "button_url": f"https://shop.example.com/{'a' * 230}"},
        {**BUTTON, "image_url": f"https://cdn.example.com/{'a' * 227}.png"},
        {**BUTTON, "image_url": "https://cdn.example.com/a.jpeg"},
        {"sms_text": "a" * 765, "sms_sender": "abc"},
        {"sms_text": "a", "sms_sender": "a" * 11},
        {"sms_text": "a", "sms_sender": "123"},
        {"sms_text": "a", "sms_sender": "1" * 15},
        {"validity": "15", "tariff": "0"},
        {"validity": "86400", "tariff": "9"},
    ],
)
def test_value_at_the_limit_of_the_contract_is_accepted(values: dict[str, Any]) -> None:
    assert form(**values).errors == {}


def test_an_unknown_tag_is_refused_once_lists_are_chosen() -> None:
    chosen = contact_list("A", ukrainians(1))
    assert form(text="Hi {name}").is_valid()
    assert set(form(text="Hi {name}", lists=[chosen.pk]).errors) == {"text"}


def test_filled_text_that_is_invalid_is_refused_at_its_field() -> None:
    """A value that somebody lacks, and what gets too long for the person with the longest
    values.
    """
    long = [("380970000001", "UA", {"first_name": "n" * 11, "city": "c" * 231})]
    chosen: dict[str, Any] = {
        "lists": [contact_list("A", long).pk],
        "sms_sender": "Shop",
        "sms_text": "Hi",
    }
    assert form(text="Hi {first_name}", **chosen).errors == {}
    assert set(form(text="x" * 990 + "{first_name}", **chosen).errors) == {"text"}
    assert set(
        form(**BUTTON | {"button_url": "https://shop.example.com/{city}"}, **chosen).errors
    ) == {"button_url"}
    assert set(form(**chosen | {"sms_text": "x" * 755 + "{first_name}"}).errors) == {"sms_text"}
    chosen["lists"] += [contact_list("B", ukrainians(1)).pk]
    assert form(text="Hi {city}", **chosen).errors["text"] == [
        "1 contact has no {city}. Add a fallback value, as in {city|friend}."
    ]


@time_machine.travel(NOVEMBER)
def test_a_time_is_one_of_its_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "UTC"
    values: dict[str, Any] = {
        "timing": "gateway",
        "scheduled_at": "2026-12-24T10:00",
        "time_zone": "Europe/Kyiv",
    }
    campaign = filled(form(**values))
    assert campaign.scheduled_at == datetime(2026, 12, 24, 8, tzinfo=UTC)
    assert (campaign.timing, campaign.time_zone) == (Timing.GATEWAY, "Europe/Kyiv")


@time_machine.travel(NOVEMBER)
def test_a_time_with_an_offset_stands_by_itself() -> None:
    campaign = filled(
        form(timing="at", scheduled_at="2026-12-24T10:00:00+05:00", time_zone="Europe/Kyiv")
    )
    assert campaign.scheduled_at == datetime(2026, 12, 24, 5, tzinfo=UTC)


@time_machine.travel(NOVEMBER)
def test_a_time_that_the_clocks_jump_over_is_refused() -> None:
    made = form(timing="at", scheduled_at="2027-03-28T03:30", time_zone="Europe/Kyiv")
    assert set(made.errors) == {"scheduled_at"}


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("2027-10-03T02:15", "Australia/Lord_Howe"),  # langgenius/dify#39230: half an hour
        ("2027-04-30T00:00", "Africa/Cairo"),  # apache/pinot#18311: midnight
        ("2027-03-14T02:30", "America/New_York"),  # libical/libical#1402
    ],
)
@time_machine.travel(NOVEMBER)
def test_skipped_times_of_other_zones_are_refused(typed: str, zone: str) -> None:
    made = form(timing="at", scheduled_at=typed, time_zone=zone)
    assert made.errors["scheduled_at"] == ["The clocks skip this time on that day. Choose another."]


@pytest.mark.parametrize("timing", ["at", "local"])
@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        # xorbitsai/xagent#2228: which end of time is none depends on the zone
        ("9999-12-31T23:59", "America/New_York"),
        ("0001-01-01T00:00", "Australia/Sydney"),
        ("0001-01-01T00:00+14:00", ""),
        ("9999-12-31T23:59-14:00", ""),
        ("0202-01-01T10:00", ""),  # a year that is being typed
    ],
)
def test_a_moment_that_some_zones_have_not_is_refused(timing: str, typed: str, zone: str) -> None:
    made = form(timing=timing, scheduled_at=typed, time_zone=zone)
    assert made.errors["scheduled_at"] == ["Enter a date and a time."]


def test_now_forgets_the_time() -> None:
    assert filled(form(timing="now", scheduled_at="2026-12-24T10:00")).scheduled_at is None


def test_hour_that_comes_twice_is_refused_in_words_of_its_own() -> None:
    made = form(timing="at", scheduled_at="2027-10-31T03:30", time_zone="Europe/Kyiv")
    assert made.errors["scheduled_at"] == [
        "The clocks show this time twice on that day. Choose one before or after."
    ]


def test_limit_of_a_field_is_in_characters_not_in_utf_16() -> None:
    made = form(button_caption="😀" * 20, button_url="https://shop.example.com/")
    assert not made.errors
    assert 'data-maxlength="20"' in str(made["button_caption"])
    assert " maxlength" not in str(made["button_caption"])


def test_budget_is_exact() -> None:
    assert filled(form(budget="0.0000001")).budget == Decimal("0.0000001")
    assert filled(form(budget="12,50")).budget == Decimal("12.50")
    assert filled(form(budget="1 000.50")).budget == Decimal("1000.50")


def test_an_upload_becomes_a_picture_of_the_library() -> None:
    campaign = filled(form({"picture": png()}, **BUTTON))
    picture = Picture.objects.get()
    assert (picture.title, picture.width, picture.height) == ("sale", 400, 400)
    assert str(campaign.image) == str(picture.file)
    assert campaign.image_url == f"{BASE}/media/{picture.file}"


def test_an_upload_stays_chosen_when_another_field_is_wrong() -> None:
    made = form({"picture": png()}, **BUTTON, validity="1")
    assert set(made.errors) == {"validity"}
    assert str(made.fill(Campaign()).image) == str(Picture.objects.get().file)


def test_a_picture_without_a_button_is_refused_at_the_picture_and_stays_chosen() -> None:
    made = form({"picture": png()})
    assert set(made.errors) == {"picture"}
    assert str(made.fill(Campaign()).image) == str(Picture.objects.get().file)


def test_a_picture_of_the_library_can_be_chosen_and_an_address_goes_before_it() -> None:
    kept = str(filled(form({"picture": png()}, **BUTTON)).image)
    assert filled(form(**BUTTON, image=kept)).image_url == f"{BASE}/media/{kept}"
    other = filled(form(**BUTTON, image=kept, image_url="https://cdn.example.com/a.png"))
    assert (str(other.image), other.image_url) == ("", "https://cdn.example.com/a.png")
    removed = filled(form(**BUTTON, image=kept, remove_picture="on"))
    assert (str(removed.image), removed.image_url) == ("", "")


def test_an_unfinished_form_can_be_read_without_being_checked() -> None:
    made = form(
        text="я" * 1001, validity="x", lists=[contact_list("A", ukrainians(1)).pk], scheduled_at="?"
    )
    made.read_unfinished()
    campaign = made.fill(Campaign())
    assert (len(campaign.text), campaign.validity) == (1001, 86_400)
    assert len(made.audience.lists) == 1


def test_saved_values_are_shown_again() -> None:
    when = datetime(2026, 12, 24, 8, tzinfo=UTC)
    chosen = contact_list("A", ukrainians(1))
    campaign = draft(
        chosen,
        timing=Timing.AT,
        scheduled_at=when,
        time_zone="Europe/Kyiv",
        promotional=False,
        budget=20,
    )
    shown = initial_of(campaign)
    assert shown["scheduled_at"] == datetime(2026, 12, 24, 10)  # noqa: DTZ001 - as the field shows it
    assert (shown["promotional"], shown["lists"], shown["sender"]) == ("False", [chosen.pk], "Shop")
    assert shown["budget"] == "20.00"


def test_time_by_the_recipients_clocks_is_kept_as_said_and_begins_with_the_first_of_them() -> None:
    people = contact_list("World", [("380970000001", "UA", {}), ("447911000001", "GB", {})])
    people.countries = {"UA": 1, "GB": 1}
    people.save()
    values: dict[str, Any] = {
        "timing": "local",
        "scheduled_at": "2026-12-24T10:00",
        "time_zone": "America/New_York",
    }
    with time_machine.travel(datetime(2026, 12, 24, 7, 59, tzinfo=UTC), tick=False):
        campaign = filled(form(lists=[people.pk], **values))
    assert campaign.local_at == "2026-12-24T10:00"
    assert campaign.scheduled_at == datetime(2026, 12, 24, 8, tzinfo=UTC)  # Kyiv
    assert campaign.local_time == datetime(2026, 12, 24, 10)  # noqa: DTZ001 - a clock without a zone
    with time_machine.travel(datetime(2026, 12, 24, 8, 1, tzinfo=UTC), tick=False):
        late = form(lists=[people.pk], **values).errors
    assert late["scheduled_at"] == ["This time has already passed where some recipients are."]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sends_from": "09:00"}, "sends_until"),
        ({"sends_until": "21:00"}, "sends_from"),
        ({"sends_from": "21:00", "sends_until": "09:00"}, "sends_until"),
        ({"sends_from": "morning", "sends_until": "21:00"}, "sends_from"),
        ({"rate": "0"}, "rate"),
    ],
)
def test_sending_hours_have_both_ends_in_order(values: dict[str, Any], field: str) -> None:
    assert set(form(**values).errors) == {field}


def test_sending_hours_and_pace_are_kept() -> None:
    campaign = filled(form(sends_from="09:00", sends_until="21:00", rate="50"))
    assert (str(campaign.sending_hours), campaign.rate) == ("09:00-21:00", 50)
