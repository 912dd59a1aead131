"""One person: which campaigns they were in and why not in others, all data as a file, erasure."""

import json
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import (
    Contact,
    ContactList,
    Import,
    Person,
    RejectedRow,
    StopListEntry,
    TopicPreference,
)
from campaigns.contacts.people import person
from campaigns.contacts.people.person_ids import id_of
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState, Tally
from campaigns.ledger.models import LedgerEntry, LedgerTotal
from campaigns.reports.campaign.recipients import viber_price
from campaigns.reports.shared.delivery_counts import load_delivery_counts
from campaigns.team.models import AuditEntry, Role, User
from tests.reports.factories import SMS_PRICE, make_campaign, make_user, send

MSISDN = "380670000001"  # the first that `send` makes in Ukraine


@pytest.fixture
def clients(db: None) -> ContactList:
    made = ContactList.objects.create(
        name="Clients", contact_count=1, countries={"UA": 1}, fields=["first_name"]
    )
    Contact.objects.create(list=made, msisdn=MSISDN, country="UA", fields={"first_name": "Олена"})
    return made


def finished(name: str, lists: list[ContactList], out: list[ContactList] | None = None) -> Campaign:
    made = make_campaign(name, CampaignState.FINISHED, frozen_at=timezone.now())
    made.lists.set(lists)
    made.exclude_lists.set(out or [])
    return made


def told(client: Client, query: str = "") -> dict[str, str]:
    rows = client.get(reverse("person", args=[MSISDN]) + query).context["contact_campaigns"]
    return {row.campaign.name: row.reason for row in rows}


def test_person_campaigns_and_why_not(marketer: Client, clients: ContactList) -> None:
    others = ContactList.objects.create(name="Others")
    sent = finished("Sent", [clients])
    send(sent, {("UA", "sms_delivered"): 1})
    Batch.objects.update(attempts=2)
    finished("Left out", [clients], [clients])
    finished("Elsewhere", [others])
    make_campaign("Draft").lists.set([clients])
    make_campaign("Waits", CampaignState.SCHEDULED).lists.set([clients])
    assert told(marketer) == {
        "Waits": "The audience is not fixed yet.",
        "Left out": "Excluded by the list “Clients”.",
        "Sent": "Does not use Viber; SMS delivered",
    }
    assert told(marketer, "?campaigns=all")["Elsewhere"] == "Not on its lists."
    page = marketer.get(reverse("person", args=[MSISDN]))
    [entry] = [row for row in page.context["contact_campaigns"] if row.row]
    assert (entry.attempts, viber_price(entry.row.message), entry.row.message.sms_price) == (
        2,
        Decimal(0),
        SMS_PRICE,
    )
    StopListEntry.objects.create(msisdn=MSISDN)
    later = finished("Later", [clients])
    assert told(marketer)["Left out"] == "Excluded by the list “Clients”."
    assert told(marketer)[later.name].startswith("On the stop list since")


def rejected_rows(clients: ContactList) -> list[RejectedRow]:
    """Rows of a file, all of which name the phone but for the last."""
    source = Import.objects.create(
        list=clients, list_name="Clients", file_name="people.csv", rejected=5
    )
    cells = (
        "067 000-00-01, 0501112233",
        "тел.(067).000.00.01",
        "３８０６７００００００１",
        "+380 67 0000001 a",
        "0670000002",
    )
    rows = [
        RejectedRow(source=source, row_number=at, row=["0", one], reason="letters")
        for at, one in enumerate(cells)
    ]
    return RejectedRow.objects.bulk_create(rows)


def test_person_data_is_all_that_is_held(marketer: Client, clients: ContactList) -> None:
    rejected_rows(clients)
    send(finished("Sent", [clients]), {("UA", "sms"): 1})
    answer = marketer.get(reverse("person-data", args=[MSISDN]))
    held = json.loads(answer.content)
    assert answer["Content-Disposition"] == f'attachment; filename="contact-{MSISDN}.json"'
    assert held["phone"] == f"+{MSISDN}"
    assert [(one["list"], one["merge_tags"]) for one in held["lists"]] == [
        ("Clients", {"first_name": "Олена"})
    ]
    assert [
        (one["file"], one["row_number"], one["row"][1][:6]) for one in held["rejected_rows"]
    ] == [
        ("people.csv", 0, "067 00"),
        ("people.csv", 1, "тел.(0"),
        ("people.csv", 2, "３８０６７０"),
        ("people.csv", 3, "+380 6"),
    ]
    [message] = held["messages"]
    names = ("campaign", "viber_price", "sms_price", "sms_currency")
    assert [message[name] for name in names] == ["Sent", "0.00", "0.0410005", "EUR"]
    assert [charge["amount"] for charge in message["charges"]] == ["0.0234567", "0.0410005"]
    trail = AuditEntry.objects.get(action="exported")
    assert trail.actor == User.objects.get(pk=marketer.session["_auth_user_id"])
    assert (trail.subject, trail.detail) == (
        f"person:{id_of(MSISDN)}",
        "Lists: 1, messages: 1",
    )


def enter_person() -> None:
    seen = person.values_of(Person(msisdn=MSISDN))
    values = {
        "consent": "given",
        "consent_on": "2026-01-05",
        "consent_source": "web form",
        "consent_wording": "I agree.",
        "language": "uk",
        "wanted_topics": "news",
        "unwanted_topics": "sales",
        "notes": "VIP",
    }
    assert person.change(MSISDN, values, seen, None) == {}


def test_person_data_has_what_was_entered_about_the_person(marketer: Client, olena: User) -> None:
    empty = marketer.get(reverse("person-data", args=[MSISDN]))
    assert json.loads(empty.content)["person"] is None
    enter_person()
    held = json.loads(marketer.get(reverse("person-data", args=[MSISDN])).content)["person"]
    assert held.pop("changed_at")
    assert [row["wording"] for row in held.pop("consent_history")] == ["I agree."]
    assert held == {
        "consent": "given",
        "consent_date": "2026-01-05",
        "consent_source": "web form",
        "consent_wording": "I agree.",
        "language": "uk",
        "wanted_topics": ["news"],
        "unwanted_topics": ["sales"],
        "notes": "VIP",
    }
    trail = AuditEntry.objects.filter(action="exported").values_list("subject", flat=True)
    assert list(trail) == [f"person:{id_of(MSISDN)}"] * 2  # also of a phone without data


def test_erase_deletes_what_was_entered_about_the_person(client: Client, olena: User) -> None:
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    enter_person()
    page = client.get(reverse("person", args=[MSISDN]))
    assert "consent, language, topics and notes" in page.context["erase_warning"]
    assert reverse("person-erase", args=[MSISDN]) in page.content.decode()
    client.post(reverse("person-erase", args=[MSISDN]))
    assert not Person.objects.exists()
    assert not TopicPreference.objects.exists()
    assert StopListEntry.objects.get().reason == "Erased"
    details = "".join(AuditEntry.objects.values_list("detail", flat=True))
    assert "VIP" not in details
    assert "web form" not in details
    page = client.get(reverse("person", args=[MSISDN]))
    assert "consent, language, topics and notes" not in page.context["erase_warning"]
    assert "Nothing entered yet" in page.content.decode()


def test_erase_keeps_sums_counts_and_the_stop_list(client: Client, clients: ContactList) -> None:
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    done = finished("Done", [clients])
    *_, another = rejected_rows(clients)
    send(done, {("UA", "delivered"): 2})
    reference = Recipient.objects.get(msisdn=MSISDN).reference
    Evidence.objects.create(
        campaign=done, batch_number=1, what="error", body=f'{{"to": "{MSISDN}"}}'
    )
    waits = make_campaign("Waits", CampaignState.PAUSED)
    send(waits, {("UA", "queued"): 2})
    Batch.objects.filter(campaign=waits).update(state=BatchState.READY)
    sums = list(LedgerTotal.objects.values_list("amount", "entries")), LedgerEntry.objects.count()
    page = client.get(reverse("person", args=[MSISDN]))
    assert (
        "1 list entry, 1 merge tag, the phone in 2 messages. 1 queued message is not sent."
        in page.context["erase_warning"]
    )
    client.post(reverse("person-erase", args=[MSISDN]))
    assert not Contact.objects.exists()
    assert ContactList.objects.values_list("contact_count", "countries").get() == (0, {})
    gone = Recipient.objects.get(campaign=done, reference=reference)
    assert (gone.msisdn, gone.fields) == (f"x{gone.pk}", {})
    assert not Recipient.objects.filter(msisdn=MSISDN).exists()
    assert Evidence.objects.get().body == '{"to": "•••"}'
    assert (
        list(LedgerTotal.objects.values_list("amount", "entries")),
        LedgerEntry.objects.count(),
    ) == sums
    withdrawn = Recipient.objects.get(campaign=waits, send_state=SendState.CANCELLED)
    assert (withdrawn.reason, load_delivery_counts({waits.pk: 2})[waits.pk].cancelled) == (
        "erased",
        1,
    )
    assert Tally.objects.get(campaign=waits, reason="erased").recipients == 1
    assert StopListEntry.objects.get().msisdn == MSISDN
    trail = AuditEntry.objects.get(action="erased")
    assert trail.detail == "lists 1, messages 2, rejected rows 4, texts 0, imports 0"
    assert list(RejectedRow.objects.order_by("pk").values_list("row", flat=True)) == [
        [],
        [],
        [],
        [],
        another.row,
    ]
    assert trail.subject == f"stoplistentry:{StopListEntry.objects.get().pk}"


def test_erase_waits_for_a_message_that_is_on_its_way(client: Client, clients: ContactList) -> None:
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    campaign = make_campaign("Goes out", CampaignState.SENDING)
    send(campaign, {("UA", "queued"): 1})
    Batch.objects.update(state=BatchState.SENDING)
    client.post(reverse("person-erase", args=[MSISDN]))
    assert Contact.objects.count() == 1
    assert Recipient.objects.get().msisdn == MSISDN
    assert not StopListEntry.objects.exists()


def test_erase_is_for_administrators(marketer: Client, viewer: Client, olena: User) -> None:
    assert marketer.post(reverse("person-erase", args=[MSISDN])).status_code == 403
    assert viewer.get(reverse("person-data", args=[MSISDN])).status_code == 403
    assert viewer.post(reverse("person-stop", args=[MSISDN])).status_code == 403
    marketer.post(reverse("person-stop", args=[MSISDN]))
    assert StopListEntry.objects.get().created_by == olena
