"""The composer and the review in a real Chromium: what is typed, what is shown, what reaches the
gateway.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from campaigns.compose.message import sms
from campaigns.compose.models import Campaign, CampaignState, Editing, Picture
from campaigns.dispatch import tasks
from campaigns.team.models import Role, User
from tests.browser.conftest import Console, sign_in
from tests.compose.factories import contact_list, draft, senders
from tests.compose.factories import person as somebody
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]
VECTORS = Path(__file__).parent.parent / "compose" / "vectors"
PEOPLE = [
    ("380970000001", "UA", {"first_name": "Олена", "city": "Біла Церква"}),
    ("380970000002", "UA", {"first_name": "Ярослава-Марія"}),
    ("40712345678", "RO", {}),
]
TEXT = "Привіт, {first_name|друже} 😀\nЗнижка 30% на https://shop.example.com\nВідписатися: СТОП"


@pytest.fixture(autouse=True)
def gateway(nowhere: str, settings: Settings, sandbox: RunningSandbox, tmp_path: Path) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def composer(signed_in: Page) -> Page:
    """An empty composer, with one list to choose."""
    contact_list("VIP", PEOPLE)
    senders("Shop", "New Shop")
    signed_in.goto("/campaigns/new")
    return signed_in


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as opened:
        return opened.size


def fill_in(page: Page) -> None:
    page.locator("#id_name").fill("Spring sale")
    page.locator("#id_sender").select_option("Shop")
    page.locator("#id_text").fill(TEXT)
    page.locator("#id_button_caption").fill("Купити")
    page.locator("#id_button_url").fill("https://shop.example.com/?c={city|Київ}")
    page.locator("#card-sms > summary").click()
    page.get_by_label("SMS sender").fill("Shop")
    page.get_by_label("SMS text").fill("{first_name|Friend}, 30% off – till Sunday…")
    page.get_by_role("checkbox", name="VIP").check()
    at_any_hour(page)


def at_any_hour(page: Page) -> None:
    """Tests run at night too."""
    page.locator("#card-when > summary").click()
    for end in ("#id_sends_from", "#id_sends_until"):
        page.locator(end).fill("")


def test_new_composer(composer: Page, look: Look) -> None:
    expect(composer.locator("#figures")).to_contain_text("0 recipients")
    look(composer, "composer-new")


def test_no_contacts_yet(signed_in: Page, look: Look) -> None:
    signed_in.goto("/campaigns/new")
    expect(signed_in.get_by_text("No contacts yet.")).to_be_visible()
    look(signed_in, "composer-no-contacts")


def test_mistakes_stand_at_their_fields_and_the_first_has_the_focus(
    composer: Page, look: Look
) -> None:
    composer.get_by_role("button", name="Save draft").click()
    expect(composer.get_by_text("Draft saved.")).to_be_visible()
    expect(composer.locator("#form-errors")).to_contain_text("Fix 3 issues before launching")
    expect(composer.locator("#id_sender")).to_be_focused()
    look(composer, "composer-errors")


def test_from_the_first_letter_to_the_gateway(
    composer: Page, look: Look, sandbox: RunningSandbox, console: Console
) -> None:
    console.allow("422")  # the wrong cost
    page = composer
    fill_in(page)
    expect(page.locator("#figures")).to_contain_text("3 recipients")
    expect(page.locator("#preview-text")).to_have_text(TEXT.replace("{first_name|друже}", "Олена"))
    expect(page.locator("#preview-link")).to_have_text(
        "https://shop.example.com/?c=%D0%91%D1%96%D0%BB%D0%B0%20%D0%A6%D0%B5%D1%80%D0%BA%D0%B2%D0%B0"
    )
    page.get_by_label("Recipient", exact=True).select_option("longest")
    expect(page.locator("#preview-text")).to_contain_text("Ярослава-Марія")
    page.get_by_label("Recipient", exact=True).select_option("country:RO")
    expect(page.locator("#preview-text")).to_contain_text("Привіт, друже 😀")
    page.get_by_label("Dark", exact=True).check()
    expect(page.locator(".phone-viber .bubble")).to_have_css("background-color", "rgb(42, 39, 56)")
    look(page, "composer-filled")

    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Review “Spring sale”")).to_be_visible()
    expect(page.get_by_role("heading", name="Send to 3 recipients")).to_be_visible()
    look(page, "review")
    page.get_by_label("Number of recipients").fill("3")
    page.get_by_label("Maximum cost, EUR").fill("0,91")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("The maximum cost is now 0.19 EUR, not 0.91.")).to_be_visible()
    expect(page.get_by_label("Maximum cost, EUR")).to_be_focused()
    page.get_by_label("Maximum cost, EUR").fill("0,19")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Sending of “Spring sale” started.")).to_be_visible()

    campaign = Campaign.objects.get()
    tasks.prepare(campaign.pk)
    tasks.send()
    sent = {message["msisdn"]: message for message in sandbox.messages()}
    assert set(sent) == {msisdn for msisdn, _country, _fields in PEOPLE}
    bodies = [json.loads(request["body"]) for request in sandbox.requests(path="/viber/create")]
    messages = {
        to["msisdn"]: message
        for body in bodies
        for message in body["messages"]
        for to in message["to"]
    }
    assert messages["380970000001"]["text"] == TEXT.replace("{first_name|друже}", "Олена")
    assert messages["40712345678"]["text"] == TEXT.replace("{first_name|друже}", "друже")
    assert messages["380970000001"]["options"]["viber"] == {
        "caption": "Купити",
        "action": (
            "https://shop.example.com/?c=%D0%91%D1%96%D0%BB%D0%B0%20%D0%A6%D0%B5%D1%80%D0%BA%D0%B2%D0%B0"
        ),
        "alt_route": {"originator": "Shop", "text": "Олена, 30% off – till Sunday…"},
    }


def test_counters_count_while_typing(composer: Page) -> None:
    text = composer.locator("#id_text")
    counter = composer.locator('[data-for="id_text"]')
    text.fill("Привіт 😀")
    expect(counter).to_have_text("8 / 1000")
    text.fill("я" * 1001)
    expect(counter).to_have_text("1001 / 1000")
    expect(composer.locator("#figures")).to_contain_text("to fix")
    caption = composer.locator("#id_button_caption")
    caption.fill("😀" * 20)
    expect(composer.locator('[data-for="id_button_caption"]')).to_have_text("20 / 20")
    caption.fill("👍🏽" * 11)  # two code points each
    expect(caption).to_have_value("👍🏽" * 10)
    composer.locator("#card-sms > summary").click()
    composer.get_by_label("SMS text").fill("It’s on – now")
    sms_counter = composer.locator('[data-for="id_sms_text"]')
    expect(sms_counter).to_have_text("13/70 characters · 1 SMS (special characters)")
    composer.get_by_role("button", name="Replace characters").click()
    expect(sms_counter).to_have_text("13/160 characters · 1 SMS")
    expect(composer.get_by_label("SMS text")).to_have_value("It's on - now")


def test_a_merge_tag_comes_from_the_menu_of_the_chosen_lists(composer: Page) -> None:
    composer.get_by_role("checkbox", name="VIP").check()
    composer.locator("#id_text").fill("Hi ")
    menu = composer.locator('[data-target="id_text"]')
    menu.get_by_role("button", name="Insert merge tag").click()
    menu.get_by_role("button", name="{city}").click()
    expect(composer.locator("#id_text")).to_have_value("Hi {city|friend}")


def test_a_picture_is_uploaded_at_once_and_seen_on_the_phone(
    composer: Page, tmp_path: Path
) -> None:
    file = tmp_path / "sale.jpg"
    picture = Image.new("RGB", (1200, 900), "green")
    picture.paste("blue", (0, 0, 300, 900))
    picture.save(file)
    composer.locator("#id_picture").set_input_files(file)
    square = composer.locator("cropper-selection")
    expect(composer.get_by_role("dialog", name="Crop image")).to_be_visible()
    expect(square).to_have_js_property("width", 384)  # as high as the picture is shown
    at = square.bounding_box()
    assert at
    composer.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    composer.mouse.down()
    composer.mouse.move(
        at["x"] + at["width"] / 2 + at["width"] / 6 - 1, at["y"] + at["height"] / 2, steps=3
    )
    composer.mouse.up()  # to the right edge, where nothing is blue
    composer.get_by_role("button", name="Crop", exact=True).click()
    expect(composer.locator("#picture-chosen")).to_contain_text("800 × 800")
    expect(composer.locator(".bubble .message-image")).to_be_visible()
    kept = tmp_path / str(Picture.objects.get().file)
    assert size_of(kept) == (800, 800)
    with Image.open(kept) as cut:
        assert cut.getpixel((20, 400))[2] < 40  # type: ignore[index]


def test_invalid_picture_is_refused_at_its_field(
    composer: Page, console: Console, tmp_path: Path
) -> None:
    console.allow("422")
    file = tmp_path / "sale.jpg"
    file.write_text("GIF89a not a picture")
    composer.locator("#id_picture").set_input_files(file)
    expect(composer.locator("#picture-error")).to_have_text(
        "This file is not a JPEG, PNG, WebP or HEIC image."
    )


def test_draft_can_be_continued_on_a_small_screen(signed_in: Page) -> None:
    campaign = draft(contact_list("VIP", PEOPLE), text="Hello {first_name|friend}")
    signed_in.set_viewport_size({"width": 360, "height": 740})
    signed_in.goto(f"/campaigns/{campaign.pk}/edit")
    expect(signed_in.locator("#phone")).to_be_hidden()
    signed_in.get_by_role("button", name="Preview").click()
    expect(signed_in.locator("#preview-text")).to_have_text("Hello Олена")
    signed_in.keyboard.press("Escape")
    expect(signed_in.locator("#phone")).to_be_hidden()
    expect(signed_in.get_by_role("button", name="Preview")).to_be_focused()


def test_a_draft_saves_itself_and_can_be_left(composer: Page) -> None:
    composer.locator("#id_text").fill("Written and left")
    expect(composer.locator("#saved")).to_have_text("Saved just now")
    campaign = Campaign.objects.get()
    expect(composer).to_have_url(re.compile(f"/campaigns/{campaign.pk}/edit$"))
    composer.locator("#id_name").fill("Spring")
    composer.locator("#id_sender").select_option("New Shop")
    composer.get_by_role("button", name="Save draft").click()
    expect(composer.get_by_text("Draft saved.")).to_be_visible()
    campaign.refresh_from_db()
    assert (campaign.name, campaign.text, str(campaign.sender)) == (
        "Spring",
        "Written and left",
        "New Shop",
    )


def test_two_users_in_one_draft(composer: Page, console: Console, person: User) -> None:
    console.allow("409")
    campaign = draft(text="Mine")
    Editing.objects.create(campaign=campaign, user=somebody(username="ivan"), at=timezone.now())
    composer.goto(f"/campaigns/{campaign.pk}/edit")
    expect(composer.locator("#others")).to_contain_text("ivan is also editing this draft.")
    campaign.text = "Theirs"
    campaign.save()
    composer.locator("#id_text").fill("Mine, but later")
    expect(composer.locator("#saved")).to_contain_text(
        "Autosave is off: this draft was changed elsewhere."
    )
    composer.get_by_role("button", name="Save draft").click()
    expect(
        composer.get_by_text("This draft was changed elsewhere while you were editing.")
    ).to_be_visible()
    expect(composer.locator("#id_text")).to_have_value("Mine, but later")
    composer.get_by_label("Overwrite their changes").check()
    composer.get_by_role("button", name="Save draft").click()
    expect(composer.get_by_text("Draft saved.")).to_be_visible()
    campaign.refresh_from_db()
    assert campaign.text == "Mine, but later"


def test_library(signed_in: Page, tmp_path: Path, look: Look) -> None:
    signed_in.goto("/campaigns/pictures/")
    expect(signed_in.get_by_text("No images yet.")).to_be_visible()
    file = tmp_path / "sale.png"
    Image.new("RGB", (600, 400), "teal").save(file)
    signed_in.get_by_label("Add an image").set_input_files(file)
    signed_in.get_by_role("button", name="Add", exact=True).click()
    expect(signed_in.get_by_text("400 × 400")).to_be_visible()
    look(signed_in, "pictures")


def test_templates_keep_locked_fields(signed_in: Page, person: User, look: Look) -> None:
    campaign = draft(contact_list("VIP", PEOPLE), text="House words")
    signed_in.goto(f"/campaigns/{campaign.pk}/edit")
    signed_in.get_by_text("Save as template").click()
    signed_in.get_by_label("Template name").fill("House")
    look(signed_in, "template-keep")
    signed_in.get_by_role("button", name="Save template").click()
    signed_in.get_by_text("0 fields").click()
    signed_in.get_by_role("checkbox", name="Text", exact=True).check()
    look(signed_in, "templates")
    signed_in.get_by_role("button", name="Save", exact=True).click()
    person.role = Role.MARKETER
    person.save()
    signed_in.get_by_role("link", name="House").click()
    expect(signed_in.get_by_text("The template “House” locks some fields.")).to_be_visible()
    expect(signed_in.locator("#id_text")).to_be_disabled()
    expect(signed_in.locator("#preview-text")).to_have_text("House words")
    signed_in.locator("#id_name").fill("Made from it")
    expect(signed_in.locator("#saved")).to_have_text("Saved just now")
    assert Campaign.objects.get(name="Made from it").text == "House words"
    signed_in.locator("#id_button_caption").fill("Buy")
    expect(signed_in.locator(".bubble-button")).to_have_text("Buy")
    expect(signed_in.locator("#preview-text")).to_have_text("House words")
    look(signed_in, "composer-locked")


def test_form_works_without_javascript(
    browser: Browser, live_server: object, person: User, console: Console, tmp_path: Path
) -> None:
    contact_list("VIP", PEOPLE)
    senders("Shop")
    file = tmp_path / "sale.png"
    Image.new("RGB", (600, 400), "teal").save(file)
    context = browser.new_context(base_url=str(live_server), java_script_enabled=False)
    page = context.new_page()
    sign_in(page, person, str(live_server))
    page.goto("/campaigns/new")
    page.locator("#id_name").fill("Plain")
    page.locator("#id_sender").select_option("Shop")
    page.locator("#id_text").fill("Hello {first_name|friend}")
    page.locator("#id_picture").set_input_files(file)
    page.get_by_role("checkbox", name="VIP").check()
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#picture-error")).to_contain_text("An image needs a button with a link.")
    page.locator("#id_button_caption").fill("Buy")
    page.locator("#id_button_url").fill("https://shop.example.com/")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Send to 3 recipients")).to_be_visible()
    expect(page.locator("#preview-text")).to_have_text("Hello Олена")
    page.get_by_label("Number of recipients").fill("3")
    page.get_by_label("Maximum cost, EUR").fill("0.09")
    page.get_by_role("button", name="Send now").click()
    campaign = Campaign.objects.get()
    assert (campaign.state, str(campaign.image)) == (
        CampaignState.PREPARING,
        str(Picture.objects.get().file),
    )
    context.close()


def test_browser_shortens_links_like_the_server(composer: Page) -> None:
    vectors = json.loads((VECTORS / "links.json").read_text())
    base = "https://go.example.com/"
    shortened = composer.evaluate(
        "async ([texts, base]) => { const m = await import('/static/js/short_links.js'); return"
        " texts.map(t => m.withShortLinks(t, base, new Set(['https://example.com/b']))); }",
        [[vector["text"] for vector in vectors], base],
    )
    for vector, browser in zip(vectors, shortened, strict=True):
        expected = vector["text"]
        for link in {*vector["links"]} - {"https://example.com/b"}:
            expected = expected.replace(link, f"{base}{'x' * 11}")
        assert browser == expected, vector["text"]


def test_unsubscribing_is_a_short_link_of_the_text(composer: Page, settings: Settings) -> None:
    settings.LINK_BASE_URL = "https://go.example.com"
    composer.reload()
    composer.locator("#id_text").fill("Sale. ")
    composer.locator("#id_text").press("Control+End")
    composer.get_by_role("button", name="Insert merge tag").first.click()
    expect(composer.get_by_role("button", name="{preferences} link to choose")).to_be_visible()
    composer.get_by_role("button", name="{unsubscribe} link to unsubscribe").click()
    expect(composer.locator("#id_text")).to_have_value("Sale. {unsubscribe}")
    link = len("https://go.example.com/") + 11
    expect(composer.locator('[data-for="id_text"]')).to_have_text(f"{6 + link} / 1000")
    expect(composer.locator("#preview-text")).to_have_text(
        re.compile(r"^Sale\. https://go\.example\.com/link-0+15$")
    )


def test_browser_counts_sms_like_the_server(composer: Page) -> None:
    vectors = json.loads((VECTORS / "sms.json").read_text())
    counted = composer.evaluate(
        "async texts => { const m = await import('/static/js/sms.js'); return texts.map(t =>"
        " m.measureSms(t)); }",
        [vector["text"] for vector in vectors],
    )
    for vector, browser in zip(vectors, counted, strict=True):
        assert {key: browser[key] for key in ("encoding", "units", "parts", "culprits")} == {
            key: vector[key] for key in ("encoding", "units", "parts", "culprits")
        }, vector["text"]


def test_browser_replaces_and_names_characters_like_the_server(composer: Page) -> None:
    vectors = [v for v in json.loads((VECTORS / "sms.json").read_text()) if "replaced" in v]
    vectors += [{"text": character} for character in sms.REPLACEMENTS]
    for vector in vectors[-len(sms.REPLACEMENTS) :]:
        vector["replaced"] = sms.replace_typography(vector["text"])
        vector["culprits"], vector["shown"] = [], []
    answers = composer.evaluate(
        "async all => { const m = await import('/static/js/sms.js'); const names ="
        " JSON.parse(document.querySelector('#composer-messages').textContent).invisible; return"
        " all.map(v => [m.replaceTypography(v.text), v.culprits.map(c => m.shownCharacter(c,"
        " names))]); }",
        vectors,
    )
    for vector, (replaced, shown) in zip(vectors, answers, strict=True):
        assert (replaced, shown) == (vector["replaced"], vector["shown"]), vector["text"]


def test_replacing_is_offered_where_it_saves_something(composer: Page) -> None:
    composer.locator("#card-sms > summary").click()
    text, button = composer.locator("#id_sms_text"), composer.locator("#culprits-replace")
    text.fill("Family day 👨‍👩‍👧‍👦 come!")
    expect(composer.locator("#culprits-shown")).to_contain_text("zero width joiner")
    expect(button).to_be_hidden()
    text.fill("“Hi”" + "a" * 80)
    expect(button).to_have_text("Replace characters: saves 1 SMS")
    button.click()
    expect(text).to_have_value('"Hi"' + "a" * 80)
    expect(composer.locator("#culprits")).to_be_hidden()


ARABIC = "عرض خاص! خصم 20% على Samsung Galaxy حتى الأحد.\nHello second line.\nاشتر الآن!"
# Where the end mark of each line of an element's text stands within its line: at the left or right.
END_MARKS = """(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const marks = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    for (const match of node.data.matchAll(/[.!](?=\\n|$)/g)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + 1);
      const mark = range.getBoundingClientRect();
      range.setStart(node, node.data.lastIndexOf("\\n", match.index) + 1);
      const line = [...range.getClientRects()].filter(
        (rect) => rect.top <= mark.bottom && rect.bottom >= mark.top,
      );
      const start = Math.min(...line.map((rect) => rect.left));
      marks.push(mark.left <= start + 1 ? "left" : "right");
    }
  return marks;
}"""


def test_texts_run_as_on_a_phone(composer: Page, look: Look) -> None:
    """digitalfabrik/integreat-cms#4497, tutao/tutanota#2157, rockbenben/subtitle-translator#62."""
    composer.locator("#card-sms > summary").click()
    composer.locator("#id_name").fill("اشتر الآن!")
    composer.locator("#id_text").fill(ARABIC)
    composer.locator("#id_button_caption").fill("اشتر الآن!")
    composer.locator("#id_button_url").fill("https://shop.example.com/")
    composer.locator("#id_sms_text").fill(ARABIC)
    expect(composer.locator("#preview-text")).to_contain_text("Samsung")
    expect(composer.locator(".bubble-button")).to_have_text("اشتر الآن!")
    look(composer, "composer-right-to-left")
    assert composer.locator("#preview-text").evaluate(END_MARKS) == ["left", "right", "left"]
    assert composer.locator(".bubble-button").evaluate(END_MARKS) == ["left"]
    for field in ("#id_name", "#id_text", "#id_button_caption", "#id_sms_text"):
        style = "e => [getComputedStyle(e).unicodeBidi, e.dir]"
        assert composer.locator(field).evaluate(style) == ["plaintext", "auto"], field
    composer.locator("#screen-sms").check()
    assert composer.locator("#preview-sms").evaluate(END_MARKS) == ["left", "right", "left"]
    expect(composer.locator("#saved")).to_have_text("Saved just now")
    composer.goto("/campaigns/")
    assert composer.locator("tbody a.row-link").first.evaluate(END_MARKS) == ["left"]


def test_a_placeholder_of_another_program_is_replaced_at_a_click(
    composer: Page, look: Look
) -> None:
    composer.get_by_role("checkbox", name="VIP").check()
    expect(composer.locator("#figures")).to_contain_text("3 recipients")
    composer.locator("#id_text").fill("Hi {{first_name}}, {{first_name}}! STOP")
    expect(composer.locator(".bar-problems")).to_contain_text("Replace {{first_name}}")
    composer.locator(".bar-problems > summary").click()
    button = composer.get_by_role("button", name="Replace {{first_name}} with {first_name}")
    look(composer, "composer-placeholder")
    button.click()
    expect(composer.locator("#id_text")).to_have_value("Hi {first_name}, {first_name}! STOP")
    expect(button).to_be_hidden()


def test_browser_fills_merge_tags_like_the_server(composer: Page) -> None:
    vectors = json.loads((VECTORS / "merge.json").read_text())
    filled = composer.evaluate(
        "async all => (({ fill }) => all.map(v => fill(v.text, v.fields)))(await"
        " import('/static/js/merge.js'))",
        vectors,
    )
    for vector, browser in zip(vectors, filled, strict=True):
        assert (browser["filled"], browser["strays"]) == (
            vector["filled"],
            vector["strays"],
        ), vector["text"]


def test_text_is_formatted_and_gets_an_emoji(composer: Page, look: Look) -> None:
    text = composer.locator("#id_text")
    shown = composer.locator("#preview-text")
    text.fill("Sale today only")
    text.evaluate("field => field.setSelectionRange(0, 5)")  # with the blank
    composer.get_by_role("button", name="Bold").click()
    expect(text).to_have_value("*Sale* today only")
    text.press("Control+i")  # what was selected is selected
    expect(text).to_have_value("*_Sale_* today only")
    text.press("Control+i")
    expect(text).to_have_value("*Sale* today only")
    text.press("Control+End")
    text.press("Control+Shift+X")
    text.press_sequentially("gone")
    expect(text).to_have_value("*Sale* today only ~gone~")
    text.press("Control+End")
    composer.get_by_role("button", name="Insert emoji").click()
    search = composer.get_by_role("combobox", name="Search emoji")
    expect(composer.get_by_role("option", name="grinning face", exact=True)).to_be_visible()
    look(composer, "composer-emoji")
    search.fill("heart red")
    expect(composer.get_by_role("option", name="red heart", exact=True)).to_be_visible()
    search.fill("no such thing")
    nothing = composer.locator("[data-target=id_text] .emoji-none")
    expect(nothing).to_have_text("No emoji has these words.")
    expect(nothing).to_be_visible()
    search.fill("wrapped gift")
    search.press("Enter")
    expect(text).to_have_value("*Sale* today only ~gone~🎁")
    text.press("Control+Home")
    text.press_sequentially("_New!_ ```CODE``` 2*3*4, *Sale*! ")
    expect(shown).to_have_text("New! CODE 2*3*4, *Sale*! Sale today only ~gone~🎁")
    assert shown.inner_html() == (
        "<em>New!</em> <code>CODE</code> 2*3*4, *Sale*! <strong>Sale</strong> today only ~gone~🎁"
    )
