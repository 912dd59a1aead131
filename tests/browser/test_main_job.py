"""The main job from signing in to signing out, in a real Chromium against all the processes of an
installation.

2,000 rows come in, two campaigns go out, and every number on the pages is compared with the
sandbox's own count and bill, to the last digit.
"""

import csv
import re
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Console
from tests.browser.stack import Stack, running

pytestmark = pytest.mark.processes
NAMES = ("Олена", "Іван", "Ioana", "Marek", "")
BAD = [["044 123 45 67"]] * 10 + [["3.80673E+11"]] * 6 + [["call me"]] * 4 + [[""]] * 5
GOOD, AGAIN = 1960, 15
ROWS = 2000
CLUB_OLD, CLUB_NEW = 50, 10  # people of the second file who are in the first one, and who are not
SENDER, SENDER_AGAIN = "Lumen Books", "Lumen Club"
TEXT = "Hi {first_name|friend}! 📚\nSpring shelves are full: 30% off until Sunday."
SMS = "{first_name|Friend}, 30% off until Sunday. Lumen Books"
PASSWORD = "Quiet-lamp-42-shelf"
LONG = 120_000  # milliseconds: what the queue does takes its time on a busy machine


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack"), WEB_WORKERS=1) as stack:
        yield stack


@pytest.fixture
def page(browser: Browser, stack: Stack, console: Console) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.url, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    console.watch(page)
    yield page
    context.close()


def phone(number: int) -> str:
    """Three countries, written as people write them."""
    if number % 5 < 3:
        return f"0{(67, 50, 63)[number % 3]} {number // 100:03d} {number % 100:02d} 11"
    return f"+40 721 {number:06d}" if number % 5 == 3 else f"0048 512 {number:06d}"


def person(number: int) -> list[str]:
    return [phone(number), NAMES[number % 5], "Київ" if number % 2 else "Iași"]


def customers(folder: Path) -> Path:
    """2,000 rows: 1,960 people, 15 of them twice, 25 rows without a phone that can be used."""
    rows = [person(number) for number in (*range(GOOD), *range(AGAIN))]
    for place, row in enumerate(BAD):
        rows.insert(place * 70, [*row, "Офіс", "Київ"])
    assert len(rows) == ROWS
    path = folder / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["Call", "First name", "City"], *rows])
    return path


def club(folder: Path) -> Path:
    """A workbook of 60 people, 50 of them customers."""
    book = Workbook()
    sheet = book.active
    assert sheet
    sheet.append(["Phone", "First name"])
    for number in (*range(CLUB_OLD), *range(GOOD, GOOD + CLUB_NEW)):
        sheet.append(person(number)[:2])
    path = folder / "club.xlsx"
    book.save(path)
    return path


def picture(folder: Path) -> Path:
    path = folder / "spring.png"
    Image.new("RGB", (640, 640), "teal").save(path)
    return path


# What stands on a page


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def amount(text: str) -> tuple[Decimal, str]:
    """ "1,234.5600001 EUR" as a number and its currency."""
    digits, _, currency = text.replace("\xa0", " ").strip().partition(" ")
    return Decimal(digits.replace(",", "").replace("−", "-")), currency


def exact_amount(cell: Locator) -> tuple[Decimal, str]:
    """The amount of a cell with all decimals: those of its title, if it is rounded."""
    money = cell.locator(".money").first
    return amount(money.get_attribute("title") or money.inner_text())


def stat(page: Page, label: str) -> Locator:
    return page.locator(
        ".stat", has=page.locator(".stat-label", has_text=re.compile(f"^{label}"))
    ).locator(".stat-value")


def term(page: Page, label: str) -> Locator:
    """The value beside `label` in a list of sums."""
    return page.locator(".sums div", has=page.get_by_text(label, exact=True)).locator("dd")


def step(page: Page, label: str) -> int:
    """A number of the funnel."""
    row = page.locator(".funnel li", has=page.get_by_text(label, exact=True))
    return whole(row.locator("strong").inner_text())


def chip(page: Page, label: str) -> int:
    """The number on a filter of the recipients; 0 where there is no such filter."""
    result = page.get_by_role("list", name="State").get_by_role(
        "link", name=re.compile(rf"^{label} [\d,]+$")
    )
    return whole(result.locator(".count").inner_text()) if result.count() else 0


# The pages, one after the other


def go_to(page: Page, room: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=room, exact=True).click()


def sign_in(page: Page, password: str) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def choose_password(page: Page, old: str) -> None:
    """The password that the start printed has to be replaced first."""
    page.get_by_label("Current password").fill(old)
    page.locator("#id_password1").fill(PASSWORD)
    page.get_by_label("Repeat the new password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed.")).to_be_visible()


def bring_in(page: Page, file: Path, name: str, column: str, new: int) -> None:
    """A file from the upload to its list, `new` people in it."""
    go_to(page, "Contacts")
    page.get_by_role("link", name="Import contacts").first.click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Name of the new list").fill(name)
    page.get_by_role("button", name="Upload").click()
    page.get_by_label(f"Use of “{column}”").select_option(label="Phone")
    page.get_by_role("button", name="Check file").click()
    page.get_by_role("button", name=f"Import {new:,} new contacts").click(timeout=LONG)
    expect(page.get_by_role("link", name="Open list")).to_be_visible(timeout=LONG)
    assert whole(stat(page, "New").inner_text()) == new


def read_the_report(page: Page) -> None:
    assert whole(stat(page, "Rows").inner_text()) == ROWS
    assert whole(stat(page, "Duplicates").inner_text()) == AGAIN
    assert whole(stat(page, "Rejected").inner_text()) == len(BAD)
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows as CSV").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file, delimiter=";"))) == 1 + len(BAD)


def stop_one(page: Page) -> None:
    """One of the list wants no more messages."""
    page.get_by_role("link", name="Open list").click()
    page.get_by_role("searchbox").fill(phone(0)[1:].replace(" ", ""))
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("button", name=re.compile(r"^Actions for \+")).click()
    page.get_by_role("button", name="Add to stop list").click()
    expect(page.get_by_text("is on the stop list.")).to_be_visible()


def add_senders(page: Page) -> None:
    """The composer of an installation without senders leads to where they are added."""
    go_to(page, "Campaigns")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_role("link", name="Add a sender in Settings").click()
    for name in (SENDER, SENDER_AGAIN):
        page.locator("#id_name").fill(name)
        page.get_by_role("button", name="Add sender").click()
        expect(page.get_by_text(f"Sender “{name}” added.")).to_be_visible()


def compose(page: Page, image: Path) -> None:
    add_senders(page)
    go_to(page, "Campaigns")
    page.get_by_role("link", name="New campaign").first.click()
    page.locator("#id_name").fill("Spring shelves")
    page.locator("#id_sender").select_option(SENDER)
    page.locator("#id_text").fill(TEXT)
    page.locator("#id_picture").set_input_files(image)
    expect(page.locator("#picture-chosen")).to_contain_text("640 × 640")
    page.locator("#id_button_caption").fill("To the shelves")
    page.locator("#id_button_url").fill("https://lumen.example.com/spring?c={city|Kyiv}")
    page.locator("#card-sms > summary").click()
    page.get_by_label("SMS sender").fill("LumenBooks")
    page.get_by_label("SMS text").fill(SMS)
    for name in ("Customers", "Club"):
        page.get_by_role("checkbox", name=name).check()
    page.locator("#card-when > summary").press(
        "Enter"
    )  # a click may miss while the cost appears above
    for end in ("#id_sends_from", "#id_sends_until"):
        page.locator(end).fill("")  # at any hour: tests run at night too
    expect(page.locator("#preview-text")).to_contain_text("Spring shelves are full")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Review “Spring shelves”")).to_be_visible()


def launch(page: Page, people: int) -> None:
    """The review says how many, and what it costs at most; other figures launch nothing."""
    expect(page.get_by_role("heading", name=f"Send to {people:,} recipients")).to_be_visible()
    most, currency = amount(page.locator("tfoot td.num").last.inner_text())
    number, cost = (
        page.get_by_label("Number of recipients"),
        page.get_by_label(f"Maximum cost, {currency}"),
    )
    number.fill(str(people + 1))
    cost.fill(f"{most + 1}")
    page.get_by_role("button", name="Send now").click()
    expect(
        page.get_by_text(f"The audience is now {people:,} recipients, not {people + 1:,}.")
    ).to_be_visible()
    expect(
        page.get_by_text(f"The maximum cost is now {most} {currency}, not {most + 1}.")
    ).to_be_visible()
    number.fill(f"{people:,}")
    cost.fill(str(most).replace(".", ","))
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text(re.compile("^Sending of “.*” started"))).to_be_visible()


def funnel_of_the_review(page: Page) -> dict[str, int]:
    rows = page.locator("table.funnel tr")
    return {
        row.locator("th").inner_text(): whole(row.locator("td").inner_text().replace("−", ""))
        for row in rows.all()
    }


def watch_it_go_out(page: Page, people: int) -> None:
    """The bar moves by itself to the end; the page is not loaded again."""
    page.evaluate("window.stayed = true")
    bar = page.get_by_role("progressbar", name="Recipients sent to")
    expect(bar).to_have_js_property("value", people, timeout=LONG)
    expect(page.locator("#progress").get_by_text("Finished", exact=True)).to_be_visible(
        timeout=LONG
    )
    expect(page.locator("#recipients tbody tr")).to_have_count(50)
    assert page.evaluate("window.stayed")


def load_until_all_is_known(page: Page, address: str, bill: Any) -> None:
    """Load the campaign page again and again until the last status and the last price have come
    in.
    """
    total, states = (
        f"{Decimal(bill['spend']['EUR']['total']).normalize():,f} EUR",
        Counter(bill["statuses"]),
    )
    wanted = (True, 0, states["delivered"], states["read"])
    give_up = time.monotonic() + LONG / 1000
    while page.goto(address):
        typed = total in page.locator("main").inner_text().replace("\xa0", " ")
        seen = (
            typed,
            *(chip(page, name) for name in ("Awaiting status", "Delivered, not read", "Read")),
        )
        if seen == wanted:
            return
        assert time.monotonic() < give_up, f"{address} never said {total}, {wanted}: {seen}"


def check_campaign(page: Page, people: int, bill: Any) -> None:
    """The campaign page against the sandbox's count and bill for its sender."""
    assert (bill["messages"], bill["phones"], bill["doubled_phones"]) == (people, people, 0)
    states = Counter(bill["statuses"])
    assert whole(stat(page, "Accepted").inner_text()) == people
    assert step(page, "Delivered by Viber") == states["delivered"] + states["read"]
    assert step(page, "Read") == chip(page, "Read") == states["read"]
    assert step(page, "By SMS") == chip(page, "By SMS") == sum(bill["sms_statuses"].values())
    assert step(page, "SMS delivered") == bill["sms_statuses"]["delivered"]
    assert chip(page, "Delivered, not read") == states["delivered"]
    check_money(page, bill)


def check_money(page: Page, bill: Any) -> None:
    for label, part in (("Viber", "viber"), ("SMS", "sms"), ("Total", "total")):
        written = term(page, label).or_(term(page, f"{label} so far")).first.inner_text()
        assert amount(written) == (Decimal(bill["spend"]["EUR"][part]), "EUR")


def look_for_people(page: Page, stack: Stack) -> None:
    """Filter, search, and the price of one person to the last digit."""
    message = next(one for one in stack.sandbox.messages(SENDER) if one.get("alt_route"))
    by_sms = page.get_by_role("list", name="State").get_by_role("link", name=re.compile("^By SMS"))
    by_sms.click()
    expect(by_sms).to_have_attribute("aria-current", "true")
    rows = page.locator("#recipients tbody tr")
    page.get_by_role("searchbox").fill(message["msisdn"])
    page.get_by_role("searchbox").press("Enter")
    expect(rows).to_have_count(1)
    viber, sms = (exact_amount(rows.locator("td.num").nth(place)) for place in (0, 1))
    assert (viber[0], sms[0]) == (
        Decimal(message["price"]),
        Decimal(message["alt_route"][0]["price"]),
    )
    page.get_by_role("searchbox").fill("0000000")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("has 0000000 in the phone")).to_be_visible()
    page.get_by_role("link", name="Show all recipients").click()
    expect(rows).to_have_count(50)


def check_messages(stack: Stack, people: int) -> None:
    """What the gateway has: everybody once, each with their own words."""
    messages = stack.sandbox.messages(SENDER)
    texts = Counter(one["text"].split("!")[0] for one in messages)
    assert len({one["msisdn"] for one in messages}) == len(messages) == people
    assert set(texts) == {"Hi Олена", "Hi Іван", "Hi Ioana", "Hi Marek", "Hi friend"}
    assert {one["button_caption"] for one in messages} == {"To the shelves"}
    assert all(
        one["image_url"].endswith(".png") or one["image_url"].endswith(".jpg") for one in messages
    )


def duplicate(page: Page) -> None:
    page.get_by_role("button", name="Duplicate").click()
    page.locator("#id_name").fill("Once more")
    page.locator("#id_sender").select_option(SENDER_AGAIN)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Review “Once more”")).to_be_visible()


def pause_resume_cancel(page: Page, stack: Stack) -> int:
    """With a gateway that takes its time. How many were accepted before it was cancelled."""
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by a user.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#progress").get_by_text("Sending", exact=True)).to_be_visible()
    bar = page.get_by_role("progressbar", name="Recipients sent to")
    expect(bar).not_to_have_js_property("value", 0, timeout=LONG)
    page.get_by_role("button", name="Cancel campaign").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("recipients are still waiting and will get nothing.")
    dialog.get_by_role("button", name="Cancel campaign").click()
    expect(page.locator("#progress").get_by_text("Cancelled", exact=True)).to_be_visible()
    stack.sandbox.tell("faults", clear=True)
    expect(page.locator("#progress .rate").first).to_have_text(
        re.compile(r"^[\d,]+ cancelled$"), timeout=LONG
    )
    page.reload()
    return whole(stat(page, "Accepted").inner_text())


def check_spend(page: Page, stack: Stack) -> None:
    """By day, by campaign, as a file: each adds up to the sandbox's bill."""
    bill = stack.sandbox.bill()["spend"]["EUR"]
    go_to(page, "Spend")
    expect(page.locator("#charts canvas")).to_have_count(1)
    for group in ("Day", "Campaign"):
        page.goto(f"/spend/?period=7&group={group.lower()}")
        cells = page.locator("tfoot tr td.num")
        written = [exact_amount(cells.nth(place))[0] for place in range(3)]
        assert written == [Decimal(bill[part]) for part in ("viber", "sms", "total")]
    for name, sender in (("Spring shelves", SENDER), ("Once more", SENDER_AGAIN)):
        row = page.locator("tbody tr", has=page.get_by_role("link", name=name))
        ours = stack.sandbox.bill(sender)["spend"]["EUR"]["total"]
        assert exact_amount(row.locator("td.num").nth(2))[0] == Decimal(ours)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["campaign"] for row in rows} == {"Spring shelves", "Once more"}
    assert sum(Decimal(row["total"]) for row in rows) == Decimal(bill["total"])


def check_dashboard(page: Page, bill: Any) -> None:
    go_to(page, "Dashboard")
    spent = Decimal(bill["spend"]["EUR"]["total"])
    this_month = page.get_by_role("row", name=re.compile("^Spent, EUR"))
    assert amount(this_month.get_by_role("link").first.inner_text()) == (round(spent, 2), "EUR")
    expect(stat(page, "Balance")).to_contain_text("EUR")  # as it was at most a minute ago
    expect(page.get_by_role("link", name="Spring shelves")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name=re.compile("admin")).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_main_job(page: Page, stack: Stack, console: Console, tmp_path: Path) -> None:
    console.allow("422")  # figures that confirm nothing
    sign_in(page, stack.password)
    choose_password(page, stack.password)
    bring_in(page, customers(tmp_path), "Customers", "Call", GOOD)
    read_the_report(page)
    stop_one(page)
    bring_in(page, club(tmp_path), "Club", "Phone", club_came := CLUB_OLD + CLUB_NEW - 1)
    assert whole(stat(page, "On the stop list").inner_text()) == 1

    compose(page, picture(tmp_path))
    people = GOOD + CLUB_NEW - 1
    funnel = funnel_of_the_review(page)
    assert list(funnel.values()) == [GOOD + club_came, CLUB_OLD - 1, 1, people]
    launch(page, people)
    watch_it_go_out(page, people)
    first = page.url
    stack.sandbox.settle()
    check_messages(stack, people)

    stack.sandbox.tell("faults", slow=100, slow_ms=3000)
    duplicate(page)
    launch(page, people)
    accepted = pause_resume_cancel(page, stack)
    assert 0 < accepted < people
    assert (bill := stack.sandbox.bill(SENDER_AGAIN))["messages"] == bill["phones"] == accepted
    assert chip(page, "Cancelled") == people - accepted
    second = page.url
    stack.sandbox.settle()

    for address, sender, number in ((first, SENDER, people), (second, SENDER_AGAIN, accepted)):
        bill = stack.sandbox.bill(sender)
        load_until_all_is_known(page, address, bill)
        check_campaign(page, number, bill)
    page.goto(first)
    look_for_people(page, stack)
    check_spend(page, stack)
    check_dashboard(page, stack.sandbox.bill())
    sign_out(page)
    sign_in(page, PASSWORD)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
