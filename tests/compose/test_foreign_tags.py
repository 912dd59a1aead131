"""Placeholders as other programs write them: an error for a known column, else a warning."""

import pytest

from campaigns.compose.launch.checks import problems, warnings
from campaigns.compose.launch.problem import Replacement
from campaigns.compose.message.foreign_tags import column_of, foreign_tags
from tests.compose.factories import contact_list, draft

PEOPLE = [
    ("380671119001", "UA", {"first_name": "Олена", "city": "Київ", "promo": "A B"}),
    ("380671119002", "UA", {"first_name": "Іван"}),
]


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("{{first_name}}", "{first_name}"),  # Mailtrain-org/mailtrain#1270
        ("{{ First Name }}", "{first_name}"),  # harshjv/gmail-mail-merge#4
        ("{{first_name|friend}}", "{first_name|friend}"),  # sendgrid/docs#5540
        ('{{ first_name | default: "friend" }}', "{first_name}"),
        ("{{ .Subscriber.FirstName }}", "{first_name}"),
        ("{{FNAME}}", "{first_name}"),  # unlayer/react-email-editor#170
        ("*|FNAME|*", "{first_name}"),
        ("*|FIRST_NAME|*", "{first_name}"),  # mailchimp/mailchimp-client-lib-codegen#150
        ("%FIRST_NAME%", "{first_name}"),
        ("%recipient.first_name%", "{first_name}"),  # keystonejs/keystone-email#20
        ("[FIRST_NAME]", "{first_name}"),  # Mailtrain-org/mailtrain#510
        ("[First name]", "{first_name}"),
        ("${first_name}", "{first_name}"),
        ("#FIRST_NAME#", "{first_name}"),  # playsms/playsms#298
        ("((first_name))", "{first_name}"),  # comlounge/camper#176
        ("<<first_name>>", "{first_name}"),
        ("[subscriber:firstname | default:reader]", "{first_name}"),  # mailpoet/mailpoet#5051
        ("[subscriber:first_name]", "{first_name}"),  # weMail/wemail#94
        ("[user:first_name|friend]", "{first_name|friend}"),
        ("::subscriber.first_name::", "{first_name}"),  # spatie/mailcoach-support#296
    ],
)
@pytest.mark.django_db
def test_a_placeholder_of_a_known_column_is_a_problem_with_its_fix(written: str, tag: str) -> None:
    campaign = draft(contact_list("X", PEOPLE, ("first_name", "city")), text=f"Hi {written}! STOP")
    [problem] = problems(campaign)
    assert (problem.field, problem.replacements) == ("text", (Replacement(written, tag),))
    assert f"Write {tag}" in str(problem.message)


@pytest.mark.django_db
def test_all_placeholders_of_a_text_are_mended_together() -> None:
    campaign = draft(
        contact_list("X", PEOPLE, ("first_name", "city", "promo")),
        text="Привіт, {{first_name}}! Код {{ promo }}. STOP",
        sms_sender="Shop",
        sms_text="*|PROMO|*",
    )
    assert {problem.field: problem.replacements for problem in problems(campaign)} == {
        "text": (
            Replacement("{{first_name}}", "{first_name}"),
            Replacement("{{ promo }}", "{promo}"),
        ),
        "sms_text": (Replacement("*|PROMO|*", "{promo}"),),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["{{coupon}}", "*|COUPON|*", "%COUPON%", "[coupon]"])
def test_a_placeholder_of_an_unknown_column_is_a_warning(written: str) -> None:
    campaign = draft(contact_list("X", PEOPLE), text=f"Code {written} STOP")
    assert problems(campaign) == []
    messages = [str(warning.message) for warning in warnings(campaign) if warning.field == "text"]
    assert [message for message in messages if f"“{written}”" in message] == messages


@pytest.mark.parametrize("written", ["{contactfield=first_name}", "{leadfield=first_name|you}"])
@pytest.mark.django_db
def test_a_tag_of_mautic_is_a_problem(written: str) -> None:
    """mautic/mautic#2135, mautic/mautic#697: recipients got them as they stand."""
    campaign = draft(contact_list("X", PEOPLE, ("first_name", "city")), text=f"Hi {written} STOP")
    [problem] = problems(campaign)
    assert str(problem.message).startswith(f"“{written}” is not a merge tag. Write {{first_name}}")


@pytest.mark.parametrize(
    "text",
    [
        "{first_name}",
        "20% off, 30% off",
        "100%",
        "[1] and [2]",
        "{{{first_name}}}",
        "https://x.test/?c=%D0%B0%D0%B1",
        "a[0]",
        "5 * | 6 | * 7",
        "$5 {first_name}",
    ],
)
def test_what_texts_contain_anyway_is_no_placeholder(text: str) -> None:
    assert [tag for tag in foreign_tags(text) if tag.doubtful] == []


@pytest.mark.django_db
def test_brackets_of_an_address_are_left_alone() -> None:
    link = "https://shop.example.com/?filter[city]=x&c=%D0%B0"
    campaign = draft(contact_list("X", PEOPLE), button_caption="Buy", button_url=link)
    assert problems(campaign) == []


@pytest.mark.django_db
def test_a_link_and_its_utm_parameters_are_checked_too() -> None:
    """Mailtrain-org/mailtrain#24."""
    link = "https://shop.example.com/?[city]&utm_term=%25CITY%25"
    campaign = draft(contact_list("X", PEOPLE), button_caption="Buy", button_url=link)
    [problem] = problems(campaign)
    assert problem.replacements == (
        Replacement("%CITY%", "{city}"),
        Replacement("[city]", "{city}"),
    )


def test_a_column_is_found_as_people_read_names() -> None:
    known = {"first_name", "ім_я", "contact_id"}
    assert column_of("Ім'я", known) == "ім_я"
    assert column_of("CONTACT.ID", known) == "contact_id"
    assert column_of("last_name", known) is None
    assert column_of("...", known) is None
