"""Text is composed where it enters: through forms, addresses and the names of files."""

import unicodedata
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from PIL import Image
from pytest_django import Settings

from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.models import Campaign, Label, Picture
from campaigns.team.pages.composed_forms import ComposedForms
from tests.compose.factories import draft, person

# Names that differ in bytes and not on the screen: uewepuep/FPVTracksideCore#75 (ü),
# unmade/shelf-back#50 (й), vshulcz/deja-vu#1098 (é, ñ), avian2/unidecode#62 (Ѐ).
WORDS = ("Müller", "Київ й", "café piñata", "Ѐ", "Ngữ")
JOINED = ("👨\u200d👩\u200d👧", "می\u200cخواهم", "क्\u200dया")


def apart(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("word", [*WORDS, *JOINED])
def test_queries_and_forms_are_composed(rf: RequestFactory, word: str) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("|".join([*request.GET.getlist("q"), *request.POST.getlist("name")]))

    typed = {"name": [apart(word), "x"], "password": apart(word)}
    request = rf.post("/?" + urlencode({"q": apart(word)}), typed)
    ComposedForms(view).process_view(request, view, (), {})
    assert view(request).content.decode() == f"{word}|{word}|x"
    assert request.POST["password"] == apart(word)


@pytest.mark.django_db
def test_forms_of_pages_are_composed(client: Client, settings: Settings, tmp_path: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(person())
    campaign = draft()
    client.post(f"/campaigns/{campaign.pk}/labels", {"name": apart("Müller")})
    assert Label.objects.get().name == "Müller"
    picture = BytesIO()
    Image.new("RGB", (100, 100)).save(picture, "PNG")
    upload = SimpleUploadedFile(apart("Café") + ".png", picture.getvalue())
    client.post("/campaigns/pictures/upload", {"picture": upload})
    assert Picture.objects.get().title == "Café"


@pytest.mark.django_db
def test_texts_of_a_draft_are_composed_and_their_lines_end_alike() -> None:
    """alphagov/notifications-utils#1059: U+2028 of text copied from a PDF."""
    typed = {"name": apart("Müller"), "text": f"{apart('é')}\u2028b\r\nc\u2029d\x85e\rf"}
    form = CampaignForm(typed)
    form.read_unfinished()
    campaign = form.fill(Campaign())
    assert (campaign.name, campaign.text) == ("Müller", "é\nb\nc\nd\ne\nf")
