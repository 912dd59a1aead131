"""The button's link: UTM parameters and hosts in punycode."""

import pytest

from campaigns.compose.editor import drafts
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.library import message_templates
from campaigns.compose.message.links import (
    punycode_host,
    read_pasted,
    read_utm,
    remove_utm,
    set_utm,
)
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.web_addresses import is_private, punycode
from campaigns.compose.models import Campaign
from tests.compose.factories import draft, person, senders

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
    senders("Shop")
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
    senders("Shop")
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
    senders("Shop")
    typed = {"name": "Spring", "sender": "Shop", "text": "Hello", "button_caption": "Buy"}
    form = CampaignForm({**typed, "button_url": SHOP + "a" * 225, "utm_source": "viber"})
    assert set(form.errors) == {"button_url"}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("fa\u00df.de", "xn--fa-hia.de"),  # desec-io/desec-stack#123: IDNA 2003 says fass.de
        ("la\u00dfe.dk", "xn--lae-6ka.dk"),  # internetstandards/Internet.nl#507
        ("\u03bf\u03b4\u03cc\u03c2.gr", "xn--pxavk3b.gr"),  # a final sigma stays one
        ("www.россия.рф", "www.xn--h1alffa9f.xn--p1ai"),  # furikake/sublime-codec#14
        ("надвор\u2019е.бел", "xn--80aeff0bjo6418c.xn--90ais"),  # kjd/idna#124
        ("\u2615.us", "xn--53h.us"),  # kjd/idna#40: browsers open such domains
        ("\uff25xample\u3002com", "example.com"),
        ("c\u2105.com", ""),  # python-hyper/hyperlink#19: it would be c/o.com
        ("а..com", ""),
        ("я" * 64 + ".com", ""),
        ("\u2615" * 64 + ".com", ""),
    ],
)
def test_a_host_is_never_shown_as_another_domain(host: str, name: str) -> None:
    assert punycode(host) == name


def test_a_private_address_in_other_digits_is_private() -> None:
    assert is_private("\uff11\uff12\uff17.0.0.1")
    assert not is_private("shop\u3002com")


CITY = "весна {city|Київ Центр}"
ENCODED = "%D0%B2%D0%B5%D1%81%D0%BD%D0%B0%20"


@pytest.mark.parametrize(
    ("value", "fields", "sent"),
    [
        (CITY, {}, f"{ENCODED}%D0%9A%D0%B8%D1%97%D0%B2%20%D0%A6%D0%B5%D0%BD%D1%82%D1%80"),
        (CITY, {"city": "Рим"}, f"{ENCODED}%D0%A0%D0%B8%D0%BC"),
        ("{city|A&B?c=d#e}", {}, "A%26B%3Fc%3Dd%23e"),
        ("{city|C++}", {}, "C%2B%2B"),
        ("spring%20sale", {}, "spring%20sale"),  # simpleanalytics/roadmap#451: %2520
        ("50% off", {}, "50%25%20off"),
        ("%D0%B2", {}, "%D0%B2"),
        ("%ff", {}, "%25ff"),
    ],
)
def test_utm_values_are_encoded_once(value: str, fields: dict[str, str], sent: str) -> None:
    """mozilla/bedrock#8230, mautic/mautic#8039."""
    url = set_utm(f"{SHOP}?x=1#top", {"utm_source": "viber", "utm_campaign": value})
    again = set_utm(f"{SHOP}?x=1#top", read_utm(url))
    for link in (url, again):
        message = CompiledMessage("t", link).render(fields)
        assert message.button_url == f"{SHOP}?x=1&utm_source=viber&utm_campaign={sent}#top"
    assert remove_utm(url) == f"{SHOP}?x=1#top"


def test_an_encoded_fallback_value_of_before_is_read_as_it_was_typed() -> None:
    link = f"{SHOP}?utm_campaign={{city|%D0%9A%D0%B8%D1%97%D0%B2%20+}}"
    assert read_utm(link) == {"utm_campaign": "{city|Київ +}"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # NCIOCPL/cgov-digital-platform#2800, peanutprotocol/peanut-ui#2140
        (f"{SHOP}page4?b=1#section/all", f"{SHOP}page4?b=1&utm_source=viber#section/all"),
        (f"{SHOP}#/sale?x=1", f"{SHOP}?utm_source=viber#/sale?x=1"),
        (f"{SHOP}#utm_source=a", f"{SHOP}?utm_source=viber#utm_source=a"),  # ga-dev-tools#399
        (f"{SHOP}?a=1?b=2", f"{SHOP}?a=1?b=2&utm_source=viber"),  # ga-dev-tools#510
        (f"{SHOP}?a=1&&b=2&", f"{SHOP}?a=1&b=2&utm_source=viber"),  # spoulson/Chatmore#93
        (f"{SHOP}?", f"{SHOP}?utm_source=viber"),
        (f"{SHOP}?utm_source=a&utm_source=b", f"{SHOP}?utm_source=viber"),
        ("https://shop.test?this=1&amp;that=2", "https://shop.test?this=1&that=2&utm_source=viber"),
        (f"{SHOP}?a=1&amp;amp;b=2", f"{SHOP}?a=1&b=2&utm_source=viber"),  # rails/rails#52602
        (f"{SHOP}?a=1&amp;#038;b=2", f"{SHOP}?a=1&b=2&utm_source=viber"),
    ],
)
def test_links_that_others_broke(url: str, expected: str) -> None:
    """knadh/listmonk#844, mautic/mautic#1702: links with "&amp;"."""
    tagged = set_utm(read_pasted(url), {"utm_source": "viber"})
    assert tagged == expected
    assert read_utm(tagged) == {"utm_source": "viber"}


@pytest.mark.django_db
@pytest.mark.parametrize("entity", ["&amp;", "&#38;", "&#038;", "&#x26;", "&AMP;"])
def test_an_ampersand_copied_from_the_source_of_a_page_is_one(entity: str) -> None:
    """frontity/frontity#294, greenpeace/planet4#100, foundation/foundation-emails#58."""
    form = CampaignForm({"button_url": f"{SHOP}?a=1{entity}utm_source=mine{entity}b=2"})
    form.read_unfinished()
    assert form.fill(Campaign()).button_url == f"{SHOP}?a=1&utm_source=mine&b=2"
