"""The button's link: UTM parameters and hosts in punycode."""

import pytest

from campaigns.compose.editor import drafts
from campaigns.compose.editor.form import CampaignForm, initial_of
from campaigns.compose.library import message_templates
from campaigns.compose.message.links import punycode_host, read_utm, set_utm
from campaigns.compose.models import Campaign
from tests.compose.factories import draft, person

SHOP = "https://shop.example.com/"


@pytest.mark.parametrize(
    ("url", "values", "expected"),
    [
        (SHOP, {"utm_source": "viber"}, f"{SHOP}?utm_source=viber"),
        (f"{SHOP}?a=1#top", {"utm_source": "viber"}, f"{SHOP}?a=1&utm_source=viber#top"),
        (f"{SHOP}?utm_source=old&a=1", {"utm_source": "new"}, f"{SHOP}?utm_source=new&a=1"),
        (f"{SHOP}?utm_source=old&a=1", {"utm_source": ""}, f"{SHOP}?a=1"),
        (f"{SHOP}?utm_source=old", {"utm_source": ""}, SHOP),
        (f"{SHOP}?utm_term=kept", {"utm_source": "x"}, f"{SHOP}?utm_term=kept&utm_source=x"),
        (f"{SHOP}?c={{code|x y}}&d=%20", {"utm_campaign": "весна & co"}, None),
        (SHOP, {"utm_content": "{city|none}"}, f"{SHOP}?utm_content={{city|none}}"),
        (SHOP, {}, SHOP),
        ("", {"utm_source": "viber"}, ""),
    ],
)
def test_utm_parameters_are_set_and_the_rest_of_the_link_stays(
    url: str, values: dict[str, str], expected: str | None
) -> None:
    encoded = f"{url}&utm_campaign=%D0%B2%D0%B5%D1%81%D0%BD%D0%B0%20%26%20co"
    assert set_utm(url, values) == (encoded if expected is None else expected)


def test_utm_parameters_that_were_set_are_read_back() -> None:
    values = {"utm_source": "viber", "utm_campaign": "весна & co"}
    assert read_utm(set_utm(f"{SHOP}?a=1#top", values)) == values


def test_a_host_with_foreign_letters_is_shown_in_punycode() -> None:
    assert punycode_host("https://аpple.com/") == "xn--pple-43d.com"
    assert punycode_host("https://Apple.com/") == ""
    assert punycode_host("not a link") == ""


@pytest.mark.django_db
def test_form_puts_utm_into_the_link_and_shows_it_again() -> None:
    typed = {
        "name": "Spring",
        "sender": "Shop",
        "text": "Hello",
        "button_caption": "Buy",
        "button_url": f"{SHOP}?a=1",
    }
    form = CampaignForm({**typed, "utm_source": "viber", "utm_medium": ""})
    assert form.is_valid(), form.errors
    assert form.fill(Campaign()).button_url == f"{SHOP}?a=1&utm_source=viber"
    shown = initial_of(draft(button_url=f"{SHOP}?utm_source=viber&a=1"))
    assert (shown["button_url"], shown["utm_source"]) == (f"{SHOP}?a=1", "viber")


@pytest.mark.django_db
def test_utm_typed_into_the_link_itself_stays() -> None:
    typed = {"name": "Spring", "sender": "Shop", "text": "Hello", "button_caption": "Buy"}
    form = CampaignForm({**typed, "button_url": f"{SHOP}?utm_source=mine", "utm_source": ""})
    assert form.is_valid()
    assert form.fill(Campaign()).button_url == f"{SHOP}?utm_source=mine"


@pytest.mark.django_db
def test_a_locked_link_keeps_its_utm() -> None:
    olena = person()
    whole = f"{SHOP}?utm_source=house"
    saved = message_templates.save_as_template(
        draft(button_caption="Buy", button_url=whole), "House", olena
    )
    message_templates.lock(saved, ["button_url"], olena)
    campaign = draft(button_caption="Buy", button_url=whole, made_from=saved)
    typed = {
        "name": "Spring",
        "sender": "Shop",
        "text": "Hi",
        "button_caption": "Buy",
        "button_url": SHOP,
    }
    form = CampaignForm({**typed, "utm_source": "mine"}, campaign=campaign, actor=olena)
    assert form.is_valid(), form.errors
    assert drafts.save(form, olena).button_url == whole


@pytest.mark.django_db
def test_the_length_of_a_link_includes_its_utm_parameters() -> None:
    typed = {"name": "Spring", "sender": "Shop", "text": "Hello", "button_caption": "Buy"}
    form = CampaignForm({**typed, "button_url": SHOP + "a" * 225, "utm_source": "viber"})
    assert set(form.errors) == {"button_url"}
