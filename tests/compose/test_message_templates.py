from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.editor import drafts
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import message_templates, pictures
from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team.models import Role, User
from tests.compose.factories import draft, person, senders

pytestmark = pytest.mark.django_db
TYPED = {"name": "Spring", "sender": "Mine", "text": "My words"}


@pytest.fixture(autouse=True)
def known_senders() -> None:
    senders("Mine")


@pytest.fixture
def olena() -> User:
    return person()


@pytest.fixture
def saved(olena: User) -> CampaignTemplate:
    campaign = draft(
        text="House words",
        button_caption="Buy",
        button_url="https://shop.example.com/",
        validity=600,
    )
    return message_templates.save_as_template(campaign, "House", olena)


@pytest.fixture
def signed_in(client: Client, olena: User) -> Client:
    client.force_login(olena)
    return client


def made(saved: CampaignTemplate, actor: User, **values: Any) -> Campaign:
    form = CampaignForm({**TYPED, **values}, made_from=saved, actor=actor)
    assert form.is_valid(), form.errors
    return drafts.save(form, actor)


def test_template_keeps_the_message_but_not_the_audience(saved: CampaignTemplate) -> None:
    assert saved.content["text"] == "House words"
    assert saved.content["sender"] == "Shop"
    with_others = {"image_url", "untracked_links", "track_conversions"}
    assert set(saved.content) == {*message_templates.LOCKABLE, *with_others}


def test_a_name_is_needed_and_is_taken_once(saved: CampaignTemplate, olena: User) -> None:
    for name in ("  ", "House"):
        with pytest.raises(Refused):
            message_templates.save_as_template(draft(), name, olena)


def test_a_campaign_starts_from_it(signed_in: Client, saved: CampaignTemplate) -> None:
    shown = signed_in.get(f"/campaigns/new?template={saved.pk}").content.decode()
    assert "House words" in shown
    assert 'value="600"' in shown
    signed_in.post(f"/campaigns/new?template={saved.pk}", TYPED)
    campaign = Campaign.objects.get(name="Spring", text="My words")
    assert campaign.made_from == saved


@pytest.mark.parametrize("chosen", ["x", "99", "", "1" * 40])
def test_a_template_that_is_not_there_is_no_template(signed_in: Client, chosen: str) -> None:
    assert signed_in.get(f"/campaigns/new?template={chosen}").status_code == 200


def test_locked_fields_ignore_posted_values(saved: CampaignTemplate, olena: User) -> None:
    message_templates.lock(saved, ["text", "sender", "nonsense"], olena)
    assert saved.locked == ["sender", "text"]
    campaign = made(saved, olena, button_caption="Go", button_url="https://shop.example.com/go")
    assert (campaign.text, str(campaign.sender), campaign.button_caption) == (
        "House words",
        "Shop",
        "Go",
    )


def test_locked_fields_stay_in_edit_and_autosave(
    signed_in: Client, saved: CampaignTemplate, olena: User
) -> None:
    message_templates.lock(saved, ["text", "validity"], olena)
    campaign = made(saved, olena)
    version = campaign.updated_at.isoformat()
    answer = signed_in.post(
        f"/campaigns/{campaign.pk}/autosave", {**TYPED, "validity": "20", "version": version}
    )
    signed_in.post(
        f"/campaigns/{campaign.pk}/edit",
        {**TYPED, "text": "Mine", "version": answer.json()["version"]},
    )
    campaign.refresh_from_db()
    assert (campaign.text, campaign.validity) == ("House words", 600)


def test_preview_uses_locked_fields(
    signed_in: Client, saved: CampaignTemplate, olena: User
) -> None:
    message_templates.lock(saved, ["text"], olena)
    new = signed_in.post(f"/campaigns/preview?template={saved.pk}", {"sender": "Mine"})
    assert "House words" in new.content.decode()
    edited = signed_in.post("/campaigns/preview", {"draft": made(saved, olena).pk})
    assert "House words" in edited.content.decode()
    for number in ("x", "99", "9" * 30):
        assert signed_in.post("/campaigns/figures", {"draft": number}).status_code == 200


def test_locked_picture_can_be_neither_changed_nor_removed(
    saved: CampaignTemplate, olena: User
) -> None:
    saved.content["image_url"] = "https://cdn.example.com/house.png"
    message_templates.lock(saved, ["image"], olena)
    saved.save()
    button = {"button_caption": "Buy", "button_url": "https://shop.example.com/"}
    values = {**button, "image_url": "https://cdn.example.com/mine.png", "remove_picture": "on"}
    assert made(saved, olena, **values).image_url == "https://cdn.example.com/house.png"


def test_administrators_change_locked_fields(saved: CampaignTemplate, olena: User) -> None:
    message_templates.lock(saved, ["text"], olena)
    chief = person(Role.ADMINISTRATOR, "chief")
    assert made(saved, chief).text == "My words"


def test_a_copy_is_locked_too(saved: CampaignTemplate, olena: User) -> None:
    assert drafts.duplicate(made(saved, olena), olena).made_from == saved


def test_keep_lock_and_delete_by_the_pages(signed_in: Client, olena: User) -> None:
    assert "No templates yet." in signed_in.get("/campaigns/templates/").content.decode()
    signed_in.post(f"/campaigns/{draft(text='House words').pk}/template", {"name": "House"})
    saved = CampaignTemplate.objects.get()
    assert (
        signed_in.post(f"/campaigns/templates/{saved.pk}/lock", {"locked": ["text"]}).status_code
        == 403
    )
    olena.role = Role.ADMINISTRATOR
    olena.save()
    signed_in.post(f"/campaigns/templates/{saved.pk}/lock", {"locked": ["text"]})
    olena.role = Role.MARKETER
    olena.save()
    shown = signed_in.post(f"/campaigns/templates/{saved.pk}/delete", follow=True).content.decode()
    assert "Only administrators can delete a template with locked fields." in shown
    assert "House words" in shown
    saved.locked = []
    saved.save()
    signed_in.post(f"/campaigns/templates/{saved.pk}/delete")
    assert not CampaignTemplate.objects.exists()


def test_a_picture_of_a_template_stays(saved: CampaignTemplate, olena: User) -> None:
    picture = Picture.objects.create(file="pictures/a.png", width=1, height=1, size=1)
    saved.content["image"] = "pictures/a.png"
    saved.save()
    with pytest.raises(Refused, match="used by: "):
        pictures.delete(picture, olena)
    assert Picture.objects.exists()


@pytest.mark.parametrize("path", ["1/template", "templates/1/lock", "templates/1/delete"])
def test_viewers_only_look(client: Client, saved: CampaignTemplate, path: str) -> None:
    client.force_login(person(Role.VIEWER, "viewer"))
    assert client.get("/campaigns/templates/").status_code == 200
    pk = Campaign.objects.get().pk if path.startswith("1") else saved.pk
    assert client.post("/campaigns/" + path.replace("1", str(pk))).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_list_takes_the_same_queries_for_one_and_three(
    signed_in: Client, olena: User, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        message_templates.save_as_template(draft(), f"T{number}", olena)
    with django_assert_num_queries(5):  # session, user, brands, how many, the page
        signed_in.get("/campaigns/templates/")
