"""Variants in a draft: typed, saved, checked, reviewed, approved, copied, tried out."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor import campaign_file, drafts, rehearsal, test_send
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch import approval, checks, lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import message_templates, pictures
from campaigns.compose.message.audience_counts import _read_request, _request_json, measure_now
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.variants import as_variant
from campaigns.compose.models import ApprovalLimit, Campaign, Picture, PriceList, Timing
from campaigns.team.models import Role
from tests.compose.factories import contact_list, draft, person, senders, ukrainians
from tests.compose.test_autosave import autosave

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example.com/"


def other(text: str, **parts: str) -> dict[str, str]:
    same = {"button_caption": "", "button_url": "", "image": "same", "image_url": ""}
    return {"text": text, **same, **parts}


def inputs(letter: str, text: str, **parts: str) -> dict[str, Any]:
    """What the composer posts of one variant."""
    return {f"variant_{letter}_{name}": value for name, value in other(text, **parts).items()}


def under_test(count: int = 500, **fields: Any) -> Campaign:
    """A draft with the variants A and B."""
    defaults = {"text": "Hello STOP", "variants": [other("Hi STOP")]}
    return draft(contact_list("A", ukrainians(count)), **{**defaults, **fields})


def messages(campaign: Campaign) -> list[tuple[str, str]]:
    return [(problem.field, str(problem.message)) for problem in checks.problems(campaign)]


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(person())
    return client


# typed and saved


def test_composer_keeps_variants_in_their_order(signed_in: Client) -> None:
    first = autosave(
        signed_in, "/campaigns/autosave", text="Hello", variants="composer",
        **inputs("B", "Hi  ", button_caption="Buy", button_url=SHOP), **inputs("C", "{"),
        utm_source="viber", test_share="35", decision_hours="12", decides_itself="False",
        decision_measure="click", variant_split="even",
    )  # fmt: skip
    campaign = Campaign.objects.get()
    assert campaign.variants == [
        other("Hi", button_caption="Buy", button_url=f"{SHOP}?utm_source=viber"),
        other("{"),
    ]
    rule = (campaign.variant_split, campaign.test_share, campaign.decision_measure,
            campaign.decision_hours, campaign.decides_itself)  # fmt: skip
    assert rule == ("even", 35, "click", 12, False)
    page = signed_in.get(first["edit"]).content.decode()
    assert re.search(r'id="variant_B"\s*>', page)
    assert re.search(r'id="variant_D"\s*hidden\s*disabled', page)
    assert f'value="{SHOP}?utm_source=viber"' in page
    autosave(
        signed_in, first["autosave"], text="Hello", variants="composer",
        **inputs("B", "Third"), version=first["version"],
    )  # fmt: skip
    assert [each["text"] for each in Campaign.objects.get().variants] == ["Third"]


@pytest.fixture
def picture() -> Picture:
    return Picture.objects.create(
        title="Grey", file="pictures/ab12.jpg", width=400, height=400, size=9
    )


def test_a_variant_has_an_image_of_the_library(signed_in: Client, picture: Picture) -> None:
    file = str(picture.file)
    Picture.objects.bulk_create(
        Picture(title="New", file=f"pictures/{n}.jpg", width=9, height=9, size=9) for n in range(24)
    )
    autosave(
        signed_in, "/campaigns/autosave", name="Summer", text="Hello", variants="composer",
        **inputs("B", "Hi", image="library", image_file=file), **inputs("C", "Hey"),
    )  # fmt: skip
    campaign = Campaign.objects.get()
    of_b = as_variant(campaign, "B")
    assert (str(of_b.image), str(as_variant(campaign, "C").image)) == (file, "")
    assert of_b.image_url.endswith(f"/media/{file}")
    assert campaign.variants[1] == other("Hey")
    page = signed_in.get(f"/campaigns/{campaign.pk}/edit").content.decode()
    radio = re.search(rf'name="variant_B_image_file"\s*value="{file}"\s*(checked)?', page)
    assert radio
    assert radio[1]
    assert "Summer" in signed_in.get("/campaigns/pictures/").content.decode()
    with pytest.raises(Refused, match="Summer"):
        pictures.delete(picture, person(username="boss"))
    campaign.variants = []
    campaign.save()
    pictures.delete(picture, person(username="other"))


def test_an_image_that_is_not_in_the_library_is_not_stored(picture: Picture) -> None:
    for file, said in (("pictures/other.jpg", "not in the library"), (str(picture.file), "")):
        variant = other("Hi", image="library", image_file=file)
        form = CampaignForm({"name": "N", "variants": [variant]})
        assert said in str(form.errors.get("variants", ""))
    missing = under_test(variants=[other("Hi", image="library", image_file="")])
    assert ("variants", "Variant B: Choose an image of the library.") in messages(missing)


def test_what_cannot_be_stored_keeps_the_saved_variants(signed_in: Client) -> None:
    first = autosave(signed_in, "/campaigns/autosave", variants="composer", **inputs("B", "Good"))
    answer = autosave(
        signed_in, first["autosave"], version=first["version"], variants="composer",
        **inputs("B", "x" * 20_000), test_share="7",
    )  # fmt: skip
    assert answer["message"] == "Saved, except: Variants"
    campaign = Campaign.objects.get()
    assert ([each["text"] for each in campaign.variants], campaign.test_share) == (["Good"], 7)


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("[", "Variants must be a list."),
        (json.dumps([other("1"), other("2"), other("3"), other("4")]), "Use at most four variants"),
        ('["Hi"]', "A variant has a text"),
        ('[{"sender": "Shop"}]', "A variant has a text"),
        ('[{"text": "\\ud800"}]', "broken character"),
        ('[{"image": "both"}]', "Choose which image"),
    ],
)
def test_bad_lists_are_refused(variants: str, said: str) -> None:
    form = CampaignForm({"name": "N", "variants": variants})
    assert said in str(form.errors["variants"])


def test_campaign_file_has_variants() -> None:
    senders("Shop")
    contact_list("VIP", ukrainians(300))
    content = {
        "name": "N", "sender": "Shop", "text": "Hello", "lists": ["VIP"],
        "variants": [{"text": "Hi"}], "variant_split": "even",
    }  # fmt: skip
    form = campaign_file.form_of(content)
    assert form.is_valid(), form.errors
    campaign = drafts.save(form, None)
    assert (campaign.variants, campaign.variant_split) == ([other("Hi")], "even")
    for wrong in ("Hi", ["Hi"], [{"text": 1}], [{"sender": "Shop"}]):
        with pytest.raises(campaign_file.UnusableFile):
            campaign_file.form_of(content | {"variants": wrong})


def test_locked_parts_are_those_of_a(client: Client) -> None:
    boss, olena = person(Role.ADMINISTRATOR, "boss"), person()
    template = message_templates.save_as_template(draft(text="Locked"), "T", boss)
    message_templates.lock(template, ["text", "image"], boss)
    client.force_login(olena)
    posted = inputs("B", "Mine", image="url", image_url="https://x.example.com/a.png")
    autosave(client, f"/campaigns/autosave?template={template.pk}", variants="composer", **posted)
    campaign = Campaign.objects.exclude(made_from=None).get()
    assert (campaign.text, campaign.variants) == ("Locked", [other("Locked")])


# checked


def test_problems_name_the_variant(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://dash.example.com"
    campaign = under_test(variants=[other("Hi {name}"), other("", button_caption="Buy")])
    assert messages(campaign)[0][0] == "variants"
    said = " ".join(message for field, message in messages(campaign) if field == "variants")
    assert "Variant B: The chosen lists have no column {name}." in said
    assert "Variant C: The text must have 1 to 1000 characters." in said
    assert "Variant C: The button needs a link." in said


def test_missing_values_and_lengths_of_a_variant() -> None:
    campaign = under_test(2, variant_split="even", variants=[other("{first_name}" + "x" * 999)])
    assert messages(campaign) == [
        ("variants", "Variant B: Shorten the text: with the longest values it has 1001 characters,"
         " but only 1000 fit.")
    ]  # fmt: skip
    lacking = draft(
        contact_list("B", [("380970000001", "UA", {}), ("380970000002", "UA", {})]),
        text="Hello", variant_split="even", variants=[other("Hi {first_name}")],
    )  # fmt: skip
    assert messages(lacking) == [
        ("variants", "Variant B: 2 contacts have no {first_name}. Add a fallback value, as in"
         " {first_name|friend}.")
    ]  # fmt: skip


def test_a_worker_measures_all_variants() -> None:
    """What a page asks a worker to count has the texts of each variant."""
    campaign = under_test(variants=[other("Hi {first_name}"), other("Hey {city|x}")])
    audience, template = Audience.of(campaign), compile_message(campaign)
    asked_audience, asked = _read_request(json.loads(json.dumps(_request_json(audience, template))))
    assert asked.names == template.names == {"first_name", "city"}
    assert asked.required_names() == ["first_name"]
    measured = measure_now(asked_audience, asked)
    assert measured.variants["B"].text == measure_now(audience, template).variants["B"].text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"variants": [other("Hi"), other("Hi")]},
         ("variants", "Variants B and C are the same. Change one of them, or remove it.")),
        ({"variants": [other("Hello STOP")]},
         ("variants", "Variants A and B are the same. Change one of them, or remove it.")),
        ({"test_share": 1},
         ("test_share", "1 recipients are too few: some variants would go to nobody.")),
        ({"decision_measure": "click"},
         ("decision_measure", "Clicks decide, but these variants have no tracked link: A, B.")),
        ({"timing": Timing.GATEWAY, "scheduled_at": None},
         ("variant_split", "A campaign scheduled at the gateway can't test variants. Divide it"
          " evenly.")),
    ],
)  # fmt: skip
def test_rules_of_variants(
    settings: Settings, fields: dict[str, Any], said: tuple[str, str]
) -> None:
    settings.LINK_BASE_URL = "https://go.example.com"
    campaign = under_test(100, **fields)
    assert said in messages(campaign)
    Campaign.objects.update(variants=[])
    assert said not in messages(Campaign.objects.get())


def test_few_recipients_are_a_warning() -> None:
    few = [str(problem.message) for problem in checks.warnings(under_test(500))]
    assert (
        "Each variant goes to about 50 recipients at first. With so few, only very large"
        " differences can be shown." in few
    )
    Campaign.objects.update(variant_split="even")
    enough = Campaign.objects.get()
    assert not any("goes to about" in str(each.message) for each in checks.warnings(enough))


# reviewed, approved, copied, tried out


@pytest.fixture
def prices() -> None:
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "0", "price": "0.023",
           "currency": "EUR"}  # fmt: skip
    PriceList.objects.create(channel="viber", tariff=0, rows=[row], fetched_at=timezone.now())


@pytest.mark.usefixtures("prices")
def test_one_approval_covers_all_variants_and_the_rule() -> None:
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.1"))
    campaign = under_test(10, test_share=50)
    before = approval.check_approval(campaign).fingerprint
    fingerprints = {before}
    changes: list[dict[str, Any]] = [
        {"variants": [other("Hi!")]}, {"variants": [other("Hi"), other("Hey")]},
        {"test_share": 51}, {"decision_hours": 5}, {"decision_measure": "click"},
        {"decides_itself": False}, {"variant_split": "even"}, {"variants": []},
    ]  # fmt: skip
    for change in changes:
        Campaign.objects.filter(pk=campaign.pk).update(**change)
        changed = Campaign.objects.get(pk=campaign.pk)
        fingerprints.add(approval.check_approval(changed).fingerprint)
    assert len(fingerprints) == len(changes) + 1
    # without variants the rule says nothing
    Campaign.objects.filter(pk=campaign.pk).update(test_share=9)
    assert approval.check_approval(Campaign.objects.get(pk=campaign.pk)).fingerprint in fingerprints


@pytest.mark.usefixtures("prices")
def test_approval_asked_for_is_of_what_is_launched(settings: Settings) -> None:
    settings.LINK_BASE_URL = "https://go.example.com"
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.1"))
    olena, ivan = person(Role.APPROVER, "olena"), person(Role.APPROVER, "ivan")
    campaign = under_test(10, test_share=50, text=f"A {SHOP}", variants=[other(f"B: {SHOP}")])
    lifecycle.launch(campaign.pk, olena)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.variant_links) == ("awaiting_approval", [[["text", 3, 28]]])
    lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.tracked_links) == ("preparing", [["text", 2, 27]])


@pytest.mark.usefixtures("prices")
def test_review_shows_each_variant(signed_in: Client) -> None:
    campaign = under_test(10, test_share=50, variants=[other("Hi {first_name} STOP")])
    page = signed_in.get(f"/campaigns/{campaign.pk}/review").content.decode()
    assert "A, B: tested on 50%, then reads decide after 4 h." in page
    assert '<p class="bubble-text" id="preview-text">Hello STOP</p>' in page
    assert '<p class="bubble-text" id="preview-textB">Hi N0 STOP</p>' in page


def test_preview_shows_the_variant_that_was_chosen(signed_in: Client) -> None:
    chosen = contact_list("A", ukrainians(1))
    posted = {"text": "Hello", "lists": [chosen.pk], "variants": "composer"}
    posted |= inputs("B", "Hi {first_name}", button_caption="Buy", button_url=SHOP)
    for letter, text in (("A", "Hello"), ("B", "Hi N0"), ("C", "Hello"), ("", "Hello")):
        page = signed_in.post("/campaigns/preview", posted | {"variant": letter}).content.decode()
        assert f'id="preview-text">{text}</p>' in page
        assert ("Buy" in page) == (letter == "B")


def test_a_copy_has_the_variants_and_a_test_has_one() -> None:
    campaign = under_test(test_share=33)
    copy = drafts.duplicate(campaign, None)
    assert (copy.variants, copy.test_share, copy.winner) == (campaign.variants, 33, "")
    test = test_send.send_test(as_variant(campaign, "B"), ["+380971234567"], person())
    assert (test.text, test.variants) == ("Hi STOP", [])


def test_a_rehearsal_divides_the_audience_evenly() -> None:
    made = rehearsal.rehearse(under_test(), None)
    assert (made.variants, made.is_tested) == ([other("Hi STOP")], False)


def test_images_of_variants(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://dash.example.com"
    own = "https://x.example.com/own.png"
    campaign = Campaign(image_url="https://x.example.com/a.png", text="A")
    campaign.variants = [
        other("B"), other("C", image="none"), other("D", image="url", image_url=own),
    ]  # fmt: skip
    shown = {letter: as_variant(campaign, letter).image_url for letter in "ABCD"}
    assert shown == {"A": campaign.image_url, "B": campaign.image_url, "C": "", "D": own}
    assert campaign.text == "A"  # it is not changed itself


def test_launch_refuses_variants_that_are_the_same() -> None:
    campaign = under_test(variants=[other("Hello STOP")])
    with pytest.raises(Refused, match="A and B are the same"):
        lifecycle.launch(campaign.pk, None)
