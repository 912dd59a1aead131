"""Which links are tracked, what stands for them, and their codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.editor.campaign_file import READERS
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch.checks import problems
from campaigns.compose.message.audience_counts import (
    _read_request,
    _request_json,
    _subject,
    measure_now,
)
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import PersonalLinks, RenderedMessage, compile_message
from campaigns.compose.message.sms import measure_sms
from campaigns.compose.message.tracking.codes import (
    ALPHABET,
    CODE_LENGTH,
    LinkCodes,
    link_codes,
)
from campaigns.compose.message.tracking.short_links import link_base, stand_in
from campaigns.compose.message.tracking.tracked_links import all_links, tracking_of
from campaigns.compose.models import Campaign, LinkKey
from campaigns.compose.preview.message_preview import build_preview
from campaigns.contacts.models import Contact
from tests.compose.factories import contact_list, draft

BASE = "https://go.example.com/"
SHOP = "https://shop.example.com/"
SHORT = [f"{BASE}{stand_in(number)}" for number in range(16)]
VECTORS = json.loads((Path(__file__).parent / "vectors" / "links.json").read_text())


@pytest.fixture(autouse=True)
def base(settings: Settings) -> None:
    settings.LINK_BASE_URL, settings.BSG_API_URL = BASE.rstrip("/"), "https://api.bsg.world/rest"


def message(**texts: object) -> Campaign:
    return Campaign(**{"text": "Hello", **texts})


@pytest.mark.parametrize("vector", VECTORS)
def test_links_of_a_text(vector: dict[str, Any]) -> None:
    campaign = message(text=vector["text"])
    assert [link.target for link in all_links(campaign)] == vector["links"]


def test_base_is_the_short_domain_or_a_path_of_the_site_that_phones_reach(
    settings: Settings,
) -> None:
    settings.PUBLIC_BASE_URL = "https://viber.example.com"
    assert link_base() == BASE
    settings.LINK_BASE_URL = ""
    assert link_base() == "https://viber.example.com/l/"
    settings.PUBLIC_BASE_URL = "https://viber.intranet"
    assert link_base() == ""
    settings.PUBLIC_BASE_URL = ""
    assert (link_base(), tracking_of(message(text=SHOP)).links) == ("", ())


def test_links_of_button_and_texts_are_numbered_and_shortened() -> None:
    campaign = message(
        text=f"A {SHOP}a, b {SHOP}{{city}}", button_url=f"{SHOP}b", sms_text=f"{SHOP}a"
    )
    template = compile_message(campaign)
    assert template.render({"city": "Kyiv"}) == RenderedMessage(
        f"A {SHORT[1]}, b {SHORT[2]}", SHORT[0], SHORT[3]
    )
    assert [(target.field, target.address.text) for target in template.targets] == [
        ("button_url", f"{SHOP}b"), ("text", f"{SHOP}a"), ("text", f"{SHOP}{{city}}"),
        ("sms_text", f"{SHOP}a"),
    ]  # fmt: skip
    assert template.names == {"city"}


def test_links_that_are_switched_off_stay() -> None:
    texts = {"text": f"A {SHOP}a {SHOP}b", "button_url": f"{SHOP}b"}
    some = compile_message(message(**texts, untracked_links=[f"{SHOP}a"]))
    assert some.render({}) == RenderedMessage(f"A {SHOP}a {SHORT[1]}", SHORT[0])
    no_button = compile_message(message(**texts, untracked_links=["button"]))
    assert no_button.render({}) == RenderedMessage(f"A {SHORT[0]} {SHORT[1]}", f"{SHOP}b")
    none = compile_message(message(**texts, track_links=False))
    assert none.render({}) == RenderedMessage(texts["text"], texts["button_url"])


def test_who_can_not_open_a_link_gets_no_message() -> None:
    template = compile_message(message(text=f"Hi {SHOP}{{city}}"))
    with pytest.raises(MissingValue, match="city"):
        template.render({"city": ""})


@pytest.mark.django_db
def test_missing_values_and_unknown_tags_of_targets_are_named_at_their_field() -> None:
    people = [("380970000001", "UA", {"city": "Kyiv"}), ("380970000002", "UA", {})]
    campaign = draft(contact_list("A", people), text=f"{SHOP}{{city}}")
    [problem] = problems(campaign)
    assert (problem.field, str(problem.message)) == (
        "text", "1 contact has no {city}. Add a fallback value, as in {city|friend}."
    )  # fmt: skip
    campaign.text, campaign.sms_text, campaign.sms_sender = "Hi", f"{SHOP}{{cty}}", "Shop"
    [problem] = problems(campaign)
    assert (problem.field, "Did you mean {city}?" in str(problem.message)) == ("sms_text", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ".join(f"{SHOP}{n}" for n in range(40)), "at most 15 links: this message has 40"),
        ("https://{city}.example.com/", "Move the merge tag behind the host name"),
        ("https://shop.example.com{city}", "Move the merge tag behind the host name"),
        ("https://shop.example.com\\{city}", "Move the merge tag behind the host name"),
        ("https://bad..example.com/x", "“https://bad..example.com/x” is not a web address"),
        ("https://-/", "recipients can't open -."),
        ("https://user:pass@example.com/", "Remove the user name and password"),
        ("http://127.0.0.1/x", "recipients can't open 127.0.0.1"),
        (f"{SHOP}{'a' * 1976}", "Shorten the link: it has 2001 characters, but only 2000 fit."),
        (f"{SHOP}{{", "is not a merge tag"),
    ],
)
def test_a_link_that_cannot_be_tracked_is_named(text: str, expected: str) -> None:
    people = [("380970000001", "UA", {"city": "Kyiv"})]
    campaign = draft(contact_list("A", people), text=text)
    [problem] = problems(campaign)
    assert problem.field == "text"
    assert expected in str(problem.message)


@pytest.mark.django_db
def test_a_long_target_fits_as_its_short_link_counts() -> None:
    long = f"{SHOP}{'a' * 1975}"
    people = [("380970000001", "UA", {"city": "Kyiv"})]
    campaign = draft(
        contact_list("A", people),
        text=f"Hi {long}", button_url=long, button_caption="Go", sms_sender="Shop",
        sms_text=f"{'a' * 100} {long}",
    )  # fmt: skip
    assert problems(campaign) == []
    measured = measure_now(Audience.of(campaign), compile_message(campaign))
    assert measured.text
    assert measured.text.longest == len(f"Hi {BASE}") + CODE_LENGTH
    assert measured.sms.by_parts() == {1: 1}
    assert measured.sms.largest.units == 101 + len(BASE) + CODE_LENGTH


@pytest.mark.django_db
def test_counting_by_a_worker_knows_the_targets() -> None:
    campaign = draft(contact_list("A", []), text=f"Hi {SHOP}{{city}}")
    audience, template = Audience.of(campaign), compile_message(campaign)
    request = json.loads(json.dumps(_request_json(audience, template)))
    read_audience, read_template = _read_request(request)
    assert read_template.names == {"city"}
    assert _subject(read_audience, read_template) == _subject(audience, template)
    campaign.text = f"Hi {SHOP}{{name}}"
    assert _subject(audience, compile_message(campaign)) != _subject(audience, template)


def test_preview_names_the_target_of_the_button() -> None:
    campaign = message(button_caption="Go", button_url=f"{SHOP}{{city|Lviv}}?a")
    preview = build_preview(campaign, Contact(msisdn="380970000001", fields={"city": "Kyiv вул"}))
    assert preview.button_target == f"{SHOP}Kyiv%20%D0%B2%D1%83%D0%BB?a"
    assert preview.rendered.button_url == SHORT[0]


def test_stand_ins_measure_like_codes_and_are_none() -> None:
    codes = LinkCodes(b"k" * 32)
    for number in range(16):
        assert measure_sms(stand_in(number)).units == CODE_LENGTH
        assert codes.read(stand_in(number)) is None


def test_codes_are_read_back_and_look_random() -> None:
    codes = LinkCodes(b"k" * 32)
    made = [
        codes.code(f"{reference:015x}{'e' * 17}", number)
        for reference in (0, 1, 2, 16**15 - 1)
        for number in range(16)
    ]
    assert len(set(made)) == 64
    assert {len(code) for code in made} == {CODE_LENGTH}
    assert codes.read(made[17]) == ("000000000000001", 1)
    assert codes.read(made[-1]) == ("f" * 15, 15)
    # neighbours have as little in common as any two
    same = sum(a == b for a, b in zip("".join(made[:32]), "".join(made[1:33]), strict=True))
    assert same < 32


def test_codes_of_another_key_lead_elsewhere() -> None:
    code = LinkCodes(b"k" * 32).code("a" * 32, 0)
    assert LinkCodes(b"l" * 32).read(code) != ("a" * 15, 0)
    assert code == "PH5wwPxer9E"  # for ever: links in messages depend on it


@pytest.mark.parametrize("wrong", ["", "1" * 10, "1" * 12, "z" * 11, "0" * 11, "1" * 10 + "é"])
def test_what_is_no_code_is_not_read(wrong: str) -> None:
    assert LinkCodes(b"k" * 32).read(wrong) is None


@pytest.mark.django_db
def test_the_key_is_made_once_and_does_not_follow_secret_key(settings: Settings) -> None:
    first = link_codes().code("a" * 32, 3)
    settings.SECRET_KEY = "another"
    assert link_codes().code("a" * 32, 3) == first
    assert LinkKey.objects.count() == 1
    LinkKey.objects.update(key="00" * 32)
    assert link_codes().code("a" * 32, 3) != first


def test_each_link_gets_its_own_code() -> None:
    codes = LinkCodes(b"k" * 32)
    links = PersonalLinks(BASE, range(2), codes)
    rendered = RenderedMessage(f"{SHORT[1]} {SHORT[1]}", SHORT[0], f"x {SHORT[1]}")
    mine, other = links.put_into(rendered, "a" * 32), links.put_into(rendered, "b" * 32)
    first, second = (f"{BASE}{codes.code('a' * 32, number)}" for number in range(2))
    assert mine == RenderedMessage(f"{second} {second}", first, f"x {second}")
    assert not {mine.text, mine.button_url} & {other.text, other.button_url}
    assert set("".join(mine.button_url.removeprefix(BASE))) <= set(ALPHABET)


@pytest.mark.django_db
def test_form_and_campaign_file_switch_tracking_off() -> None:
    typed = {"name": "A", "text": f"See {SHOP}", "sms_text": ""}
    form = CampaignForm({**typed, "untracked_links": [SHOP, SHOP, ""]})
    form.is_valid()
    campaign = form.fill(Campaign())
    assert (campaign.track_links, campaign.untracked_links) == (True, [SHOP])
    form = CampaignForm({**typed, "track_links": "False"})
    form.is_valid()
    assert form.fill(Campaign()).track_links is False
    assert READERS["track_links"]("track_links", False) == {"track_links": "False"}
    assert READERS["untracked_links"]("untracked_links", [SHOP]) == {"untracked_links": [SHOP]}
    form = CampaignForm({**typed, "untracked_links": [str(number) for number in range(101)]})
    assert "untracked_links" in form.errors
    assert {"track_links", "untracked_links"} <= {field.name for field in FIELDS}
