"""Pages full of hostile texts: none of them runs, and the browser has nothing to refuse."""

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page
from pytest_django import Settings

from campaigns.contacts.people.person_ids import id_of
from campaigns.models import Import, ImportState, Picture, User
from tests.addresses.hostile import png
from tests.addresses.rows import FIRST, PHONE, make_rows
from tests.hostile.rows import add_a_row_for_each_text, make_every_text_hostile

DRAFT, FINISHED = FIRST, FIRST + 1
PAGES = (
    "/", "/campaigns/", f"/campaigns/{DRAFT}/edit", f"/campaigns/{DRAFT}/review",
    f"/campaigns/{FINISHED}/", f"/campaigns/{FINISHED}/?tab=message",
    f"/campaigns/{FINISHED}/?tab=activity", "/campaigns/templates/", "/campaigns/pictures/",
    "/campaigns/calendar", "/contacts/", f"/contacts/{FIRST}/", "/contacts/segments/",
    f"/contacts/segments/{FIRST}/edit", "/contacts/stop-list/", "/contacts/imports/",
    f"/contacts/people/{id_of(PHONE)}/", "/spend/?group=campaign", "/spend/reports/",
    "/settings/senders/", "/settings/labels/", "/settings/test-groups/", "/settings/team/",
    "/settings/mail/", "/account/",
)  # fmt: skip


@pytest.fixture
def hostile(person: User, settings: Settings, tmp_path: Path) -> None:
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    make_rows(person)
    make_every_text_hostile()
    add_a_row_for_each_text(person)
    for picture in Picture.objects.all():
        path = tmp_path / "media" / str(picture.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())


def test_no_text_runs_on_any_page(signed_in: Page, hostile: None) -> None:
    """The fixture `console` fails on violations of the Content-Security-Policy and on errors."""
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    signed_in.on("dialog", note)
    signed_in.add_init_script(
        "window.zqx = () => { window.ran = true };"
        "window.addEventListener('securitypolicyviolation', (event) => {"
        " window.ran = event.violatedDirective; });"
    )
    choosing = Import.objects.filter(state=ImportState.UPLOADED).get()
    for address in (*PAGES, f"/contacts/imports/{choosing.pk}/"):
        answer = signed_in.goto(address)
        assert answer
        assert answer.status == 200, address
        signed_in.wait_for_load_state("networkidle")
        assert signed_in.evaluate("window.ran === undefined"), address
        assert signed_in.locator("zqx-element, zqx-a, [zqx]").count() == 0, address
    assert dialogs == []
