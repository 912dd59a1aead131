"""Labels, notes and the archive."""

import pytest
from django.db import IntegrityError
from django.test import Client

from campaigns.compose.editor import drafts
from campaigns.compose.pages.settings_forms import LabelForm
from campaigns.models import AuditEntry, Campaign, CampaignState, Label, Note, Role, User
from tests.compose import factories


@pytest.fixture
def campaign(db: None) -> Campaign:
    return factories.draft(name="Spring")


@pytest.fixture
def olena(db: None) -> User:
    return factories.person()


@pytest.fixture
def marketer(client: Client, olena: User) -> Client:
    client.force_login(olena)
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.person(Role.VIEWER, "victor"))
    return client


def names(campaign: Campaign) -> list[str]:
    return [label.name for label in campaign.labels.all()]


def test_label_is_created_once_whatever_its_capitals(marketer: Client, campaign: Campaign) -> None:
    address = f"/campaigns/{campaign.pk}/labels"
    before = campaign.updated_at
    assert (
        marketer.post(address, {"name": "  Black   Friday "}).headers["Location"]
        == f"/campaigns/{campaign.pk}/"
    )
    marketer.post(address, {"name": "black friday"})
    fragment = marketer.post(
        address, {"name": "VIP"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert names(campaign) == ["Black Friday", "VIP"]
    assert fragment.lstrip().startswith('<div class="labels label-line" id="labels">')
    assert [label.colour for label in Label.objects.all()] == ["blue", "teal"]
    assert AuditEntry.objects.filter(action="labelled").count() == 2
    campaign.refresh_from_db()
    assert campaign.updated_at == before  # a draft that somebody else has open is not changed by it


def test_label_of_any_script_is_created_once_whatever_its_capitals(
    marketer: Client, campaign: Campaign
) -> None:
    for name in ("Знижка", "ЗНИЖКА", "знижка"):
        marketer.post(f"/campaigns/{campaign.pk}/labels", {"name": name})
    assert names(campaign) == ["Знижка"]
    assert LabelForm({"name": "зниЖКА", "colour": "red"}).errors["name"] == [
        "This label already exists."
    ]


def test_label_is_removed(marketer: Client, campaign: Campaign) -> None:
    label = Label.objects.create(name="VIP")
    campaign.labels.add(label)
    marketer.post(f"/campaigns/{campaign.pk}/labels", {"remove": str(label.pk)})
    assert names(campaign) == []
    assert Label.objects.get() == label
    assert marketer.post(f"/campaigns/{campaign.pk}/labels", {"remove": "99"}).status_code == 404
    marketer.post(f"/campaigns/{campaign.pk}/labels", {"remove": "9" * 30})
    assert Label.objects.get() == label


@pytest.mark.parametrize("name", ["", "  ", "x" * 41])
def test_empty_and_long_labels_are_refused(marketer: Client, campaign: Campaign, name: str) -> None:
    answer = marketer.post(
        f"/campaigns/{campaign.pk}/labels", {"name": name}, headers={"HX-Request": "true"}
    )
    assert "Enter a label of 1 to 40 characters." in answer.content.decode()
    assert not Label.objects.exists()


def test_labels_differ_by_more_than_capitals(db: None) -> None:
    Label.objects.create(name="Sale")
    with pytest.raises(IntegrityError):
        Label.objects.create(name="SALE")


def test_label_page_counts_renames_and_deletes(marketer: Client, campaign: Campaign) -> None:
    marketer.post("/settings/labels/", {"name": "Sale", "colour": "red"})
    label = Label.objects.get()
    campaign.labels.add(label)
    assert [
        label.campaign_count for label in marketer.get("/settings/labels/").context["page"]
    ] == [1]
    marketer.post(f"/settings/labels/{label.pk}/", {"name": "sale", "colour": "green"})
    label.refresh_from_db()
    assert (label.name, label.colour) == ("sale", "green")
    answer = marketer.post("/settings/labels/", {"name": "SALE", "colour": "red"})
    assert (answer.status_code, "This label already exists." in answer.content.decode()) == (
        422,
        True,
    )
    marketer.post(f"/settings/labels/{label.pk}/delete")
    assert names(campaign) == []
    assert Campaign.objects.get() == campaign


def test_viewers_change_no_labels_notes_or_archive(viewer: Client, campaign: Campaign) -> None:
    for address in ("labels", "note", "archive", "unarchive"):
        assert (
            viewer.post(
                f"/campaigns/{campaign.pk}/{address}", {"name": "x", "text": "x"}
            ).status_code
            == 403
        )
    assert viewer.post("/settings/labels/", {"name": "x", "colour": "red"}).status_code == 403
    assert viewer.get("/settings/labels/").status_code == 200
    page = viewer.get(f"/campaigns/{campaign.pk}/?tab=notes").content.decode()
    assert "Add a label" not in page
    assert "Add note" not in page


def test_note_shows_its_author_who_can_delete_it(
    marketer: Client, olena: User, campaign: Campaign
) -> None:
    marketer.post(f"/campaigns/{campaign.pk}/note", {"text": "Ask Ivan\r\n<b>first</b>"})
    note = Note.objects.get()
    assert (note.author, note.text) == (olena, "Ask Ivan\n<b>first</b>")
    page = marketer.get(f"/campaigns/{campaign.pk}/?tab=notes").content.decode()
    assert "<strong>olena</strong>" in page
    assert "Ask Ivan\n&lt;b&gt;first&lt;/b&gt;" in page
    other = Client()
    other.force_login(factories.person(username="oleh"))
    assert other.post(f"/campaigns/notes/{note.pk}/delete").status_code == 403
    marketer.post(f"/campaigns/notes/{note.pk}/delete")
    assert not Note.objects.exists()


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2001])
def test_empty_and_long_notes_are_refused(marketer: Client, campaign: Campaign, text: str) -> None:
    answer = marketer.post(f"/campaigns/{campaign.pk}/note", {"text": text}, follow=True)
    assert "Enter a note of 1 to 2000 characters." in answer.content.decode()
    assert not Note.objects.exists()


def test_archive_hides_a_campaign_until_it_is_unarchived(
    marketer: Client, campaign: Campaign
) -> None:
    def listed(query: str) -> list[str]:
        return [row.campaign.name for row in marketer.get(f"/campaigns/{query}").context["rows"]]

    marketer.post(f"/campaigns/{campaign.pk}/archive")
    assert (listed(""), listed("?archived=1")) == ([], ["Spring"])
    assert "All campaigns are archived." in marketer.get("/campaigns/").content.decode()
    page = marketer.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert (
        "just now</time>. Hidden from the list of campaigns, but still counted in reports." in page
    )
    marketer.post(f"/campaigns/{campaign.pk}/unarchive")
    assert (listed(""), listed("?archived=1")) == (["Spring"], [])


@pytest.mark.parametrize(
    "state", [CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED]
)
def test_archive_refuses_campaigns_under_way(
    marketer: Client, campaign: Campaign, state: str
) -> None:
    Campaign.objects.update(state=state)
    answer = marketer.post(f"/campaigns/{campaign.pk}/archive", follow=True)
    assert (
        "Only drafts and finished or cancelled campaigns can be archived."
        in answer.content.decode()
    )
    assert Campaign.objects.get().archived_at is None


def test_duplicate_keeps_the_labels(campaign: Campaign, olena: User) -> None:
    campaign.labels.add(Label.objects.create(name="VIP"))
    assert names(drafts.duplicate(campaign, olena)) == ["VIP"]
