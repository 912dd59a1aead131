from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch.checks import problems, warnings
from campaigns.compose.models import Campaign, Timing
from campaigns.compose.schedule.sending_hours import DAYTIME
from campaigns.models import Recipient
from tests.compose.factories import Person, contact_list, draft, ukrainians

pytestmark = pytest.mark.django_db
REAL = "https://api.bsg.world/rest"
BUTTON = {"button_caption": "Buy", "button_url": "https://shop.example.com/"}


def named(people: int = 1, *without: int) -> list[Person]:
    return [
        (phone, country, {} if number in without else values)
        for number, (phone, country, values) in enumerate(ukrainians(people))
    ]


def problem_texts(campaign: Campaign) -> dict[str, str]:
    return {problem.field: str(problem.message) for problem in problems(campaign)}


def complete(**changes: object) -> Campaign:
    campaign = draft(contact_list("A", named(3)))
    for field, value in changes.items():
        setattr(campaign, field, value)  # not saved: some of it no column takes
    return campaign


def test_a_complete_draft_has_no_problem() -> None:
    assert (
        problem_texts(
            complete(
                **BUTTON,
                image_url="https://cdn.example.com/a.png",
                sms_sender="Shop",
                sms_text="Hi",
            )
        )
        == {}
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "я" * 1001}, "text"),
        ({"sender": None}, "sender"),
        ({"image_url": "https://cdn.example.com/a.png"}, "image_url"),
        ({**BUTTON, "image_url": "https://cdn.example.com/a.svg"}, "image_url"),
        ({**BUTTON, "image_url": "https://cdn.example.com/a.gif"}, "image_url"),
        ({**BUTTON, "image_url": "ftp://cdn.example.com/a.png"}, "image_url"),
        ({**BUTTON, "image_url": f"https://cdn.example.com/{'a' * 230}.png"}, "image_url"),
        ({"button_caption": "Buy"}, "button_url"),
        ({"button_url": "https://shop.example.com/"}, "button_caption"),
        ({**BUTTON, "button_caption": "{first_name}"}, "button_caption"),
        ({**BUTTON, "button_url": "javascript:alert(1)"}, "button_url"),
        ({**BUTTON, "button_url": "https://user:secret@example.com/"}, "button_url"),
        ({**BUTTON, "button_url": "https://{first_name}.example.com/"}, "button_url"),
        ({**BUTTON, "button_url": f"https://example.com/{'a' * 250}"}, "button_url"),
        ({**BUTTON, "button_url": "https://bad..example.com/"}, "button_url"),
        ({"sms_text": "Hi"}, "sms_sender"),
        ({"sms_sender": "Shop"}, "sms_text"),
        ({"sms_text": "Hi", "sms_sender": "ab"}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "a" * 12}, "sms_sender"),
        ({"sms_text": "Hi", "sms_sender": "1" * 15}, None),
        ({"sms_text": "a" * 765, "sms_sender": "Shop"}, None),
        ({"sms_text": "a" * 766, "sms_sender": "Shop"}, "sms_text"),
        ({"sms_text": "a" * 764 + "€", "sms_sender": "Shop"}, "sms_text"),
        ({"validity": 14}, "validity"),
        ({"validity": 86_401}, "validity"),
        ({"tariff": 10}, "tariff"),
        ({"text": "Hi {first name}"}, "text"),
        ({"text": "Hi :-{"}, "text"),
        ({"timing": Timing.AT}, "scheduled_at"),
    ],
)
def test_value_outside_the_contract_is_refused_at_its_field(
    changes: dict[str, object], field: str | None
) -> None:
    assert set(problem_texts(complete(**changes))) == ({field} if field else set())


def test_a_text_of_1000_characters_with_emoji_fits() -> None:
    assert problem_texts(complete(text="😀" * 1000)) == {}


def test_no_list_is_a_problem() -> None:
    assert problem_texts(draft()) == {"lists": "Choose a list or a segment."}


def test_an_unknown_tag_is_named_with_the_nearest_one() -> None:
    assert problem_texts(complete(text="Hi {firstname}"))["text"].endswith(
        "Did you mean {first_name}?"
    )


def test_people_without_a_value_are_counted() -> None:
    campaign = draft(contact_list("A", named(5, 1, 3)), text="Hi {first_name}")
    assert problem_texts(campaign)["text"].startswith("2 contacts have no {first_name}.")
    campaign.text = "Hi {first_name|friend}"
    assert problem_texts(campaign) == {}


def test_a_list_without_the_column_counts_as_people_without_a_value() -> None:
    other = contact_list("B", [("380980000001", "UA", {})], fields=[])
    campaign = draft(contact_list("A", named(1)), other, text="Hi {first_name}")
    assert problem_texts(campaign)["text"].startswith("1 contact has no {first_name}.")


def test_text_is_measured_by_the_longest_values() -> None:
    people = [
        ("380970000001", "UA", {"first_name": "a" * 11}),
        ("380970000002", "UA", {"first_name": "b"}),
    ]
    campaign = draft(contact_list("A", people), text="x" * 990 + "{first_name}")
    assert "1001 characters" in problem_texts(campaign)["text"]


def test_link_is_measured_url_encoded() -> None:
    people = [("380970000001", "UA", {"city": "Київ" * 10})]
    campaign = draft(
        contact_list("A", people),
        button_caption="Buy",
        button_url="https://shop.example.com/?c={city}",
    )
    assert "268 characters" in problem_texts(campaign)["button_url"]


def test_sms_is_measured_person_by_person() -> None:
    people = [
        ("380970000001", "UA", {"city": "€" * 200}),
        ("380970000002", "UA", {"city": "я" * 200}),
    ]
    campaign = draft(contact_list("A", people), sms_sender="Shop", sms_text="a" * 400 + "{city}")
    assert "800 characters" in problem_texts(campaign)["sms_text"]


def test_text_that_is_empty_for_a_recipient_is_refused() -> None:
    assert set(problem_texts(draft(contact_list("A", named(2, 0)), text="{first_name|}"))) == {
        "text"
    }


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "192.168.1.5", "10.0.0.1", "[::1]", "intranet", "127.1"]
)
def test_private_hosts_are_refused_unless_the_gateway_is_local(
    settings: Settings, host: str
) -> None:
    campaign = complete(
        button_caption="Buy", button_url=f"http://{host}/", image_url=f"http://{host}/a.png"
    )
    settings.BSG_API_URL = REAL
    assert set(problem_texts(campaign)) == {"button_url", "image_url"}
    settings.BSG_API_URL = "http://127.0.0.1:8090/rest"
    assert problem_texts(campaign) == {}


def test_an_uploaded_picture_needs_a_public_address(settings: Settings) -> None:
    settings.BSG_API_URL, settings.PUBLIC_BASE_URL = REAL, ""
    campaign = complete(**BUTTON, image="pictures/a.png")
    assert set(problem_texts(campaign)) == {"image_url"}
    settings.PUBLIC_BASE_URL = "https://dash.example.com"
    assert problem_texts(campaign) == {}


def test_a_time_that_has_passed_is_refused() -> None:
    campaign = complete(timing=Timing.AT, scheduled_at=timezone.now() - timedelta(seconds=1))
    assert set(problem_texts(campaign)) == {"scheduled_at"}
    campaign.scheduled_at = timezone.now() + timedelta(hours=1)
    assert problem_texts(campaign) == {}
    campaign.scheduled_at = timezone.now() + timedelta(days=367)
    assert set(problem_texts(campaign)) == {"scheduled_at"}


def messaged(*phones: str) -> None:
    before = draft(name="Before")
    Recipient.objects.bulk_create(
        Recipient(
            campaign=before, msisdn=phone, reference=phone, batch_number=1, send_state="accepted"
        )
        for phone in phones
    )


def warned(campaign: Campaign) -> set[str]:
    messaged(*(phone for phone, _country, _values in named(3)))
    # the night is tested apart
    return {warning.field for warning in warnings(campaign)} - {"timing"}


def test_a_quiet_message_has_no_warning() -> None:
    assert warned(complete(text="Hello. To unsubscribe write STOP")) == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "Hello"}, "text"),
        ({**BUTTON, "promotional": False}, "promotional"),
        ({**BUTTON, "button_url": "http://shop.example.com/", "text": "stop"}, "button_url"),
        ({"sms_text": "a" * 161, "sms_sender": "Shop", "text": "stop"}, "sms_text"),
        ({"sms_text": "a", "sms_sender": "Shop", "text": "stop", "validity": 60}, "validity"),
    ],
)
def test_probable_mistakes_are_warned_of(changes: dict[str, object], field: str) -> None:
    campaign = complete(**changes)
    assert warned(campaign) == {field}
    assert problem_texts(campaign) == {}


@pytest.mark.parametrize(
    ("at", "sleeps"), [("07:59", True), ("08:00", False), ("20:59", False), ("21:00", True)]
)
def test_night_is_warned_of_by_each_recipients_clock(at: str, sleeps: bool) -> None:
    campaign = complete(timing=Timing.LOCAL, local_at=f"2030-01-31T{at}", time_zone="Asia/Tokyo")
    # noon in Tokyo, which counts for nobody here
    campaign.scheduled_at = datetime(2030, 1, 31, 3, tzinfo=UTC)
    expected_text = [
        str(warning.message) for warning in warnings(campaign) if warning.field == "timing"
    ]
    assert expected_text == (
        [f"It goes out at night: at {at} in the recipient's local time."] if sleeps else []
    )
    campaign.sends_from, campaign.sends_until = DAYTIME.start, DAYTIME.end  # who sleeps waits
    assert "timing" not in {warning.field for warning in warnings(campaign)}


def test_night_is_warned_of_in_the_campaigns_zone() -> None:
    noon_in_utc = (timezone.now() + timedelta(days=2)).replace(hour=12)
    campaign = complete(timing=Timing.AT, scheduled_at=noon_in_utc, time_zone="UTC")
    assert "timing" not in {warning.field for warning in warnings(campaign)}
    campaign.time_zone = "Asia/Tokyo"
    assert "timing" in {warning.field for warning in warnings(campaign)}


def lists_warning(campaign: Campaign) -> list[str]:
    return [str(warning.message) for warning in warnings(campaign) if warning.field == "lists"]


def test_people_who_were_never_messaged_are_warned_of() -> None:
    people = contact_list("Large", ukrainians(1500))
    messaged("380970000000", "380970000007")
    Recipient.objects.create(  # asked for and refused: never messaged
        campaign=draft(), msisdn="380970000001", reference="x", batch_number=1, send_state="refused"
    )
    test = draft(purpose="test")
    Recipient.objects.create(
        campaign=test, msisdn="380970000002", batch_number=1, send_state="accepted"
    )
    campaign = draft(people)
    [expected_text] = lists_warning(campaign)
    assert expected_text.startswith(
        "1,498 contacts have never got a message from you. First messages are"
    )
    campaign.promotional = False
    assert lists_warning(campaign) == []


def test_sms_with_more_parts_for_some_is_warned_of_with_counts() -> None:
    people = contact_list(
        "A", [("380970000001", "UA", {"city": "x" * 20}), ("380970000002", "UA", {"city": "x"})]
    )
    campaign = draft(people, sms_sender="Shop", sms_text="a" * 150 + "{city}")
    spilled = [
        str(warning.message) for warning in warnings(campaign) if warning.field == "sms_text"
    ]
    assert spilled == ["The SMS to 1 recipient has up to 2 parts, each of them charged."]


def test_same_text_to_the_same_list_is_warned_of_for_a_day() -> None:
    campaign = complete(text="Hello. To stop write STOP")
    campaign.save()
    [people] = campaign.lists.all()
    messaged(*people.contacts.values_list("msisdn", flat=True))
    before = draft(people, name="Yesterday", text=campaign.text, state="finished")
    Campaign.objects.filter(pk=before.pk).update(launched_at=timezone.now() - timedelta(hours=23))
    assert lists_warning(campaign) == [
        "“Yesterday” sent the same text to one of these lists in the last 24 hours."
    ]
    Campaign.objects.filter(pk=before.pk).update(launched_at=timezone.now() - timedelta(hours=25))
    assert lists_warning(campaign) == []
