"""The choice of a variant by a user, and the pages that show what came of each."""

import csv
import io

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Recipient
from campaigns.reports.installation.figures import load_figures
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.dispatch.test_sender import send
from tests.dispatch.test_variants import launched
from tests.markup import squeezed
from tests.reports.factories import make_user
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gateway(settings: Settings, sandbox: RunningSandbox) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    settings.LINK_BASE_URL = "https://go.example.com"


@pytest.fixture
def olena(client: Client) -> Client:
    client.force_login(make_user("olena", Role.MARKETER))
    return client


def page_of(client: Client, campaign: Campaign, tab: str = "variants") -> str:
    return squeezed(client.get(f"/campaigns/{campaign.pk}/?tab={tab}").content.decode())


def choose(client: Client, campaign: Campaign, letter: str) -> str:
    answer = client.post(f"/campaigns/{campaign.pk}/variant", {"variant": letter}, follow=True)
    return squeezed(answer.content.decode())


def test_a_user_chooses_once(olena: Client) -> None:
    campaign = launched()
    assert "Choose one of the variants." in choose(olena, campaign, "D")
    assert "Variant B is sent to the other recipients." in choose(olena, campaign, "B")
    assert "Variant B is chosen already. Nothing was changed." in choose(olena, campaign, "C")
    campaign.refresh_from_db()
    assert campaign.decided_by is not None
    assert (campaign.winner, campaign.decided_by.username) == ("B", "olena")
    assert not Batch.objects.filter(state="waiting").exists()
    entry = AuditEntry.objects.get(action="chose variant")
    assert entry.detail == "B: Nobody has read a message: no difference was shown."
    assert "chose the variant for the other recipients" in page_of(olena, campaign, "activity")


def test_viewers_see_results_and_choose_nothing(client: Client) -> None:
    campaign = launched()
    client.force_login(make_user("vera", Role.VIEWER))
    assert client.post(f"/campaigns/{campaign.pk}/variant", {"variant": "B"}).status_code == 403
    page = page_of(client, campaign)
    assert "Variant C" in page
    assert "Send B to the others" not in page
    assert Campaign.objects.get().winner == ""


def test_page_says_what_phase_the_test_is_in(olena: Client, sandbox: RunningSandbox) -> None:
    campaign = launched(decides_itself=False)
    assert "The variants are being tested. The other recipients wait" in page_of(olena, campaign)
    send(sandbox)
    assert "Then choose which variant the others get." in page_of(olena, campaign)
    assert "Waiting for your choice" not in squeezed(olena.get("/").content.decode())
    Batch.objects.filter(state="done").update(done_at=timezone.now() - 30 * factory.SOON)
    assert "Waiting for your choice" in page_of(olena, campaign)
    assert "Waiting for your choice" in squeezed(olena.get("/").content.decode())
    Campaign.objects.update(decides_itself=True)
    assert "The better variant is about to be sent" in page_of(olena, campaign)
    Campaign.objects.update(decision_hours=100)
    assert "Then the better variant is sent to the others." in page_of(olena, campaign)
    choose(olena, campaign, "A")
    page = page_of(olena, campaign)
    assert "Variant A was chosen" in page
    assert "Waiting for your choice" not in squeezed(olena.get("/").content.decode())


def test_who_waits_for_the_choice_is_no_open_request() -> None:
    launched()
    assert Batch.objects.filter(state="waiting").exists()
    found = load_figures(timezone.now())
    assert set(found.batches) == {"ready", "leased", "sending", "ambiguous"}
    assert found.oldest_request is None


def test_results_side_by_side(olena: Client, sandbox: RunningSandbox) -> None:
    campaign = launched(letters="AB")
    send(sandbox)
    numbers = dict(Batch.objects.values_list("number", "variant"))
    rows = Recipient.objects.filter(send_state="accepted")
    of = {letter: [row.pk for row in rows if numbers[row.batch_number] == letter]
          for letter in "AB"}  # fmt: skip
    Recipient.objects.filter(pk__in=of["B"]).update(delivery_state="read", final=True)
    page = page_of(olena, campaign)
    assert "B is better than A: 100% against 0%. Chance alone gives such a lead in" in page
    assert f'{len(of["B"])} <div class="rate">100%</div>' in page
    lifecycle.cancel(campaign.pk, None)


def test_recipients_are_filtered_and_exported_by_variant(
    olena: Client, sandbox: RunningSandbox
) -> None:
    campaign = launched(letters="AB")
    send(sandbox)
    of_a = Recipient.objects.filter(
        batch_number__in=Batch.objects.filter(variant="A").values("number")
    ).count()
    choose(olena, campaign, "B")
    send(sandbox)
    address = f"/campaigns/{campaign.pk}/recipients"
    for letter, number in (("A", of_a), ("B", 120 - of_a)):
        answer = olena.get(f"{address}.csv?variant={letter}")
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
        assert len(rows) == number
        assert {row["variant"] for row in rows} == {letter}
    page = squeezed(olena.get(f"{address}?variant=A").content.decode())
    assert '<div class="rate">Variant A</div>' in page
    assert '<div class="rate">Variant B</div>' not in page
    assert "cannot be read" in squeezed(olena.get(f"{address}?variant=X").content.decode())
