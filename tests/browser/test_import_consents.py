"""A file with consents in a real Chromium: the section of the columns, the check, the report."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.contacts import tasks
from campaigns.contacts.models import Import

Look = Callable[[Page, str], None]
WORDS = ["yes"] * 12 + ["no"] * 3 + ["maybe", ""]
ROWS = "Phone\tConsent\tConsent date\n" + "".join(
    f"067000{number:04}\t{word}\t2026-01-05\n" for number, word in enumerate(WORDS)
)


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> None:
    settings.UPLOAD_ROOT = tmp_path / "uploads"


def test_consents_of_a_file_are_chosen_checked_and_imported(signed_in: Page, look: Look) -> None:
    page = signed_in
    page.goto("/contacts/import/paste")
    page.get_by_label("Rows").fill(ROWS)
    page.get_by_label("Name of the new list").fill("Clients")
    page.get_by_role("button", name="Continue").click()
    use = page.get_by_label("Consent in this file")
    expect(use).to_be_hidden()
    page.locator("summary", has_text="Consent").click()
    use.select_option("A column says who agreed")
    look(page, "import-consent-section")
    page.get_by_role("button", name="Check file").click()
    expect(page.get_by_text("Enter how consent was given, or choose the column")).to_be_visible()
    look(page, "import-consent-refused")
    page.get_by_label("How it was given").fill("form on the website")
    page.get_by_label("What they agreed to").fill("I want to get offers by Viber and SMS.")
    page.get_by_role("button", name="Check file").click()
    made = Import.objects.get()
    tasks.check(made.pk)
    page.goto(made.get_absolute_url())
    consents = page.get_by_role("region", name="Consents in the file")
    expect(consents.get_by_role("row")).to_have_text(
        [
            "Consent will be recorded 12",
            "Withdrawal will be recorded, phone to the stop list 3",
            "Not readable, will be imported without it 1",
        ]
    )
    look(page, "import-consent-checked")
    page.get_by_role("button", name="Import 17 new contacts").click()
    tasks.run_import(made.pk)
    page.goto(made.get_absolute_url())
    expect(page.get_by_text("Withdrawal recorded, phone on the stop list")).to_be_visible()
    look(page, "import-consent-report")
    page.get_by_role("link", name="Undo import").click()
    expect(page.get_by_text("Phones that the import put on the stop list stay")).to_be_visible()
    look(page, "import-consent-undo")
