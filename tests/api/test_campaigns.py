"""Campaigns: written as the composer writes them, launched as the review page does."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.library import message_templates
from campaigns.compose.message import audience_counts
from campaigns.compose.models import ApprovalLimit, AudienceCount, CampaignTemplate
from campaigns.dispatch import sweep
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.send.sender import BatchSender
from campaigns.models import AuditEntry, Campaign, CampaignState, LedgerEntry, PriceList, Role
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.compose.factories import contact_list, senders, ukrainians
from tests.dispatch.factory import SOON
from tests.reports.factories import make_campaign, make_user, send
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
LEAST = {"name": "Spring", "sender": "Shop", "text": "Hello"}


@pytest.fixture(autouse=True)
def world(installation: None) -> None:
    """A sender, a list, and prices."""
    senders("Shop")
    clients = contact_list("Clients", ukrainians(3))
    clients.countries = {"UA": 3}
    clients.save()
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "", "currency": "EUR"}
    for channel, price in (("viber", "0.0234567"), ("sms", "0.05")):
        PriceList.objects.create(
            channel=channel, tariff=0, rows=[row | {"price": price}], fetched_at=timezone.now()
        )


@pytest.fixture
def draft(api: ApiClient) -> Any:
    made = api.post("campaigns", {**LEAST, "lists": ["Clients"]})
    assert made.status_code == 201, made.content
    return made.json()


def confirmation(api: ApiClient, campaign: Any) -> Any:
    review = api.get(f"campaigns/{campaign['id']}/review")
    assert review.status_code == 200, review.content
    return review.json()["confirmation"]


def launch(api: ApiClient, campaign: Any, **headers: str) -> Any:
    body = confirmation(api, campaign)
    return api.post(f"campaigns/{campaign['id']}/launch", body, **headers)


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.content
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_a_campaign_from_the_draft_to_the_ledger(
    api: ApiClient, client: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    PriceList.objects.all().delete()
    draft = api.post("campaigns", {**LEAST, "lists": ["Clients"], "budget": "12.5"}).json()
    assert (draft["state"], draft["budget"]["amount"]) == ("draft", "12.50")
    address = f"campaigns/{draft['id']}"
    review = api.get(f"{address}/review").json()
    assert review["funnel"] == {
        "selected": 3, "duplicates": 0, "stop_listed": 0, "excluded": 0, "without_consent": 0,
        "capped": 0, "recipients": 3,
    }  # fmt: skip
    assert (review["countries"], review["problems"]) == ({"UA": 3}, [])
    [total] = review["estimate"]["totals"]
    assert Decimal(total["most"]) == 3 * Decimal(
        review["estimate"]["countries"][0]["viber"]["amount"]
    )
    launched = api.post(f"{address}/launch", review["confirmation"])
    assert (launched.status_code, launched.json()["state"]) == (200, "preparing")
    freeze(draft["id"], timezone.now() + SOON)
    assert not BatchSender(sandbox.client(), 2, timezone.now() + SOON).run()
    assert sweep.finish_if_done(draft["id"])

    bill = sandbox.bill()["spend"]["EUR"]["viber"]
    progress = api.get(f"{address}/progress").json()
    assert progress["state"] == "finished"
    counts = progress["counts"]
    assert [counts[name] for name in ("audience", "queued", "accepted", "refused")] == [3, 0, 3, 0]
    [cost] = progress["bill"]["costs"]
    assert Decimal(cost["total"]) == Decimal(bill) > 0
    client.force_login(make_user())
    page = client.get(f"/campaigns/{draft['id']}/").context["bill"]
    assert str(page.costs[0].total).rstrip("0") == cost["total"].rstrip("0")
    rows = api.get(f"{address}/recipients?state=accepted&limit=2").json()
    rest = api.get(rows["next"].removeprefix("/api/v1/")).json()
    found = rows["items"] + rest["items"]
    assert [row["phone"] for row in found] == [f"+38097000000{n}" for n in range(3)]
    assert rest["next"] is None
    assert sum(Decimal(row["viber_price"]["amount"]) for row in found) == Decimal(bill)
    entries = api.get(f"spend/entries?campaign={draft['id']}&limit=2").json()
    entries["items"] += api.get(entries["next"].removeprefix("/api/v1/")).json()["items"]
    assert len(entries["items"]) == LedgerEntry.objects.count() == 3
    assert sum(Decimal(row["amount"]["amount"]) for row in entries["items"]) == Decimal(bill)
    [group] = api.get("spend?group=campaign").json()["groups"]
    assert (group["key"], group["name"]) == (str(draft["id"]), "Spring")
    assert group["bill"]["costs"] == progress["bill"]["costs"]
    spent = client.get("/spend/?group=campaign").context["spending"].total.costs[0]
    assert str(spent.total).rstrip("0") == cost["total"].rstrip("0")
    [message] = api.get("messages?phone=%2B380970000001").json()["items"]
    assert (message["campaign_id"], message["state"]) == (draft["id"], "accepted")
    trail = " ".join(AuditEntry.objects.values_list("detail", flat=True))
    assert "38097" not in trail


def test_every_field_of_a_draft(api: ApiClient) -> None:
    other = contact_list("Others", ukrainians(1, 50))
    earlier = make_campaign("Old", CampaignState.FINISHED)
    send(earlier, {("UA", "read"): 1})
    values = {
        "name": "Spring", "sender": "Shop", "text": "Hi {first_name|friend}",
        "image_url": "https://cdn.example.com/a.png", "button_caption": "Buy",
        "button_url": "https://shop.example.com/?c=1&utm_source=viber",
        "sms_sender": "Shop", "sms_text": "Hi", "promotional": True, "validity": 3600,
        "tariff": 2, "timing": "gateway", "scheduled_at": "2027-03-24T10:00:00+02:00",
        "time_zone": "Europe/Kyiv", "sending_hours": "08:00-21:00", "budget": "1.234", "rate": 7,
    }  # fmt: skip
    choices = {"lists": ["Clients"], "exclude_lists": [other.pk]}
    sources = {"exclude_campaigns": [{"campaign": earlier.pk, "outcome": "read"}]}
    made = api.post("campaigns", values | choices | sources)
    assert made.status_code == 201, made.content
    shown = made.json()
    changed = {"scheduled_at": "2027-03-24T08:00:00Z"}
    changed["budget"] = {"amount": "1.234", "currency": ""}  # type: ignore[assignment]
    assert {name: shown[name] for name in values} == values | changed
    assert [row["name"] for row in shown["lists"] + shown["exclude_lists"]] == ["Clients", "Others"]
    assert shown["exclude_campaigns"] == sources["exclude_campaigns"]
    nothing = dict.fromkeys(
        ("image_url", "button_caption", "button_url", "sms_sender", "sms_text", "scheduled_at",
         "sending_hours", "budget", "rate", "exclude_lists", "exclude_campaigns", "promotional")
    )  # fmt: skip
    emptied = api.patch(f"campaigns/{shown['id']}", nothing)
    assert emptied.status_code == 200, emptied.content
    result = emptied.json()
    assert (result["text"], result["timing"], result["tariff"]) == (values["text"], "now", 2)
    assert [result[name] for name in ("image_url", "button_url", "sms_text")] == ["", "", ""]
    assert [result[name] for name in ("sending_hours", "budget", "rate")] == [None, None, None]
    assert (result["exclude_lists"], result["exclude_campaigns"]) == ([], [])
    assert [row["name"] for row in result["lists"]] == ["Clients"]
    assert api.get(f"campaigns/{shown['id']}").json() == result


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"text": ""}, "text", "required"),
        ({"sender": "Bank"}, "sender", "invalid"),
        ({"lists": ["Nobody"]}, "lists", "invalid"),
        ({"lists": [999]}, "lists", "invalid_choice"),
        ({"text": "Hi {town}"}, "text", "invalid"),
        ({"button_caption": "Buy"}, "button_url", "invalid"),
        ({"validity": 14}, "validity", "min_value"),
        ({"tariff": 10}, "tariff", "invalid_choice"),
        ({"scheduled_at": "2020-01-01T10:00:00Z"}, "scheduled_at", "invalid"),
        ({"scheduled_at": "2027-02-30T10:00:00Z"}, "scheduled_at", "value_error"),
        ({"local_at": "2020-01-01T10:00"}, "local_at", "invalid"),
        ({"sending_hours": "21:00-09:00"}, "sending_hours", "invalid"),
        ({"budget": 1.5}, "budget", "string_type"),
        ({"picture_id": 5}, "picture_id", "invalid"),
        ({"template_id": 5}, "template_id", "not_found"),
        (
            {"timing": "now", "scheduled_at": "2030-01-01T10:00:00Z"},
            "scheduled_at",
            "contradiction",
        ),
        ({"colour": "red"}, "colour", "extra_forbidden"),
    ],
)
def test_what_does_not_fit_names_its_field(
    api: ApiClient, changes: Any, field: str, code: str
) -> None:
    answer = api.post("campaigns", {**LEAST, "lists": ["Clients"], **changes})
    assert (field, code) in errors(answer)
    assert not Campaign.objects.exists()


def test_a_draft_of_another_version_is_not_overwritten(api: ApiClient, draft: Any) -> None:
    address = f"campaigns/{draft['id']}"
    tag = api.get(address).headers["ETag"]
    changed = api.patch(address, {"text": "A"}, If_Match=tag)
    assert (changed.status_code, changed.json()["text"]) == (200, "A")
    answer = api.patch(address, {"text": "B"}, If_Match=tag)
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert launch(api, draft, If_Match=tag).status_code == 412
    assert api.get(address).json()["text"] == "A"
    assert launch(api, draft, If_Match=changed.headers["ETag"]).status_code == 200
    answer = api.patch(address, {"text": "B"})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")


def test_a_template_fills_and_locks(api: ApiClient, api_of: MakeClient, draft: Any) -> None:
    template = message_templates.save_as_template(
        Campaign.objects.get(pk=draft["id"]), "Sale", api.token.owner
    )
    message_templates.lock(template, ["text"], make_user("boss", Role.ADMINISTRATOR))
    body = {"name": "New", "template_id": CampaignTemplate.objects.get().pk}
    made = api.post("campaigns", body).json()
    assert (made["text"], made["sender"], made["lists"]) == ("Hello", "Shop", [])
    address = f"campaigns/{made['id']}"
    assert errors(api.patch(address, {"text": "Other"})) == [("text", "locked")]
    assert api_of(Role.ADMINISTRATOR).patch(address, {"text": "Other"}).json()["text"] == "Other"


def test_a_launch_has_to_confirm_what_is(api: ApiClient, draft: Any) -> None:
    address, right = f"campaigns/{draft['id']}/launch", confirmation(api, draft)
    assert (right["recipients"], right["maximum_cost"]) == (3, {"EUR": "0.07"})
    assert errors(api.post(address, right | {"recipients": 4})) == [("recipients", "not_confirmed")]
    for costs in ({"EUR": "0.08"}, {}):
        answer = api.post(address, right | {"maximum_cost": costs})
        assert errors(answer) == [("maximum_cost.EUR", "not_confirmed")]
    answer = api.post(address, right | {"audience": "3:0"})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_a_launch_that_is_sent_again_is_one(api: ApiClient, draft: Any) -> None:
    body = confirmation(api, draft)
    first = api.post(f"campaigns/{draft['id']}/launch", body, Idempotency_Key="go")
    again = api.post(f"campaigns/{draft['id']}/launch", body, Idempotency_Key="go")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    other = api.post(f"campaigns/{draft['id']}/launch", body, Idempotency_Key="go-2")
    assert (other.status_code, other.json()["code"]) == (409, "refused")
    assert AuditEntry.objects.filter(action="launched").count() == 1


def test_another_user_approves(api: ApiClient, api_of: MakeClient, draft: Any) -> None:
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.01"))
    address = f"campaigns/{draft['id']}"
    assert api.get(f"{address}/review").json()["approval"]["needed"] is True
    assert launch(api, draft).json()["state"] == "awaiting_approval"
    approver = api_of(Role.APPROVER)
    review = approver.get(f"{address}/review").json()["approval"]
    assert (review["can_approve"], review["changed"]) == (True, False)
    body = {"fingerprint": review["fingerprint"]}
    assert api.post(f"{address}/approve", body).status_code == 403
    returned = approver.post(f"{address}/return", {"note": ""})
    assert returned.json()["detail"] == "Write what has to be changed."
    returned = approver.post(f"{address}/return", {"note": "Shorter."}).json()
    assert (returned["state"], returned["approval"]["note"]) == ("draft", "Shorter.")
    assert launch(api, draft).json()["state"] == "awaiting_approval"
    assert approver.post(f"{address}/approve", {"fingerprint": "x"}).status_code == 409
    approved = approver.post(f"{address}/approve", body).json()
    assert (approved["state"], approved["approval"]["approved_by"]) == ("preparing", "api-approver")
    assert approved["launched_by"] == "api-marketer"


def test_nobody_approves_their_own(api_of: MakeClient) -> None:
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.01"))
    approver = api_of(Role.APPROVER)
    own = approver.post("campaigns", {**LEAST, "lists": ["Clients"]}).json()
    assert launch(approver, own).json()["state"] == "awaiting_approval"
    review = approver.get(f"campaigns/{own['id']}/review").json()["approval"]
    assert review["can_approve"] is False
    body = {"fingerprint": review["fingerprint"]}
    answer = approver.post(f"campaigns/{own['id']}/approve", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "Another approver has to decide" in answer.json()["detail"]


def test_an_approval_that_is_void_makes_it_a_draft(
    api: ApiClient, api_of: MakeClient, draft: Any
) -> None:
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.01"))
    launch(api, draft)
    approver, address = api_of(Role.APPROVER), f"campaigns/{draft['id']}"
    fingerprint = approver.get(f"{address}/review").json()["approval"]["fingerprint"]
    api.post(f"lists/{draft['lists'][0]['id']}/contacts", {"phone": "0971234567"})
    assert approver.get(f"{address}/review").json()["approval"]["changed"] is True
    answer = approver.post(f"{address}/approve", {"fingerprint": fingerprint})
    assert answer.status_code == 409
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_a_large_audience_is_counted_by_a_worker(
    api: ApiClient, draft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = confirmation(api, draft)
    monkeypatch.setattr(audience_counts, "COUNTED_AT_ONCE", 2)
    address = f"campaigns/{draft['id']}"
    answer = api.get(f"{address}/review")
    assert (answer.status_code, answer.json()) == (202, {"counting": True, "overdue": False})
    assert int(answer.headers["Retry-After"]) > 0
    refused = api.post(f"{address}/launch", right)
    assert (refused.status_code, refused.json()["code"]) == (409, "counting")
    assert int(refused.headers["Retry-After"]) > 0
    audience_counts.count_requested(AudienceCount.objects.get().pk)
    assert confirmation(api, draft) == right
    assert api.post(f"{address}/launch", right).json()["state"] == "preparing"


def test_what_is_done_under_way_and_after(api: ApiClient, draft: Any) -> None:
    address = f"campaigns/{draft['id']}"
    assert api.post(f"{address}/pause", None).json()["code"] == "refused"
    launch(api, draft)
    paused = api.post(f"{address}/pause", None).json()
    assert (paused["state"], paused["reason"][:16]) == ("paused", "Paused by a user")
    assert api.post(f"{address}/resume", None).json()["state"] == "preparing"
    budget = api.send("PUT", f"{address}/budget", {"amount": "0.5"}).json()["budget"]
    assert budget == {"amount": "0.50", "currency": "EUR"}
    assert api.send("PUT", f"{address}/budget", {"amount": None}).json()["budget"] is None
    hours = api.send("PUT", f"{address}/sending-hours", {"hours": "10:00-18:00"}).json()
    assert hours["sending_hours"] == "10:00-18:00"
    wrong = api.send("PUT", f"{address}/sending-hours", {"hours": "18:00-10:00"})
    assert errors(wrong) == [("hours", "invalid")]
    assert api.post(f"{address}/resend", {}).status_code == 409
    assert api.post(f"{address}/archive", None).status_code == 409
    assert api.post(f"{address}/cancel", None).json()["state"] == "cancelled"
    assert api.post(f"{address}/archive", None).json()["archived"] is True
    assert api.get("campaigns").json()["items"] == []
    assert [row["id"] for row in api.get("campaigns?archived=true").json()["items"]] == [
        draft["id"]
    ]
    assert api.post(f"{address}/unarchive", None).json()["archived"] is False
    copy = api.post(f"{address}/duplicate", None).json()
    assert (copy["name"], copy["state"]) == ("Spring (copy)", "draft")
    assert api.delete(address).status_code == 409
    assert api.delete(f"campaigns/{copy['id']}").status_code == 204


def test_whom_a_campaign_did_not_reach_gets_another(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2, ("UA", "refused"): 1, ("UA", "unresolved"): 1})
    again = api.post(f"campaigns/{campaign.pk}/resend", {}).json()
    assert api.get(f"lists/{again['lists'][0]['id']}").json()["contact_count"] == 1
    again = api.post(f"campaigns/{campaign.pk}/resend", {"unresolved": True}).json()
    assert (again["state"], again["text"]) == ("draft", "Hello")
    assert api.get(f"lists/{again['lists'][0]['id']}").json()["contact_count"] == 2


def test_rehearsals_and_tests(api: ApiClient, draft: Any) -> None:
    address = f"campaigns/{draft['id']}"
    body = {"phones": ["097 123-45-67", "+380971234567", "0971234568"]}
    [test] = api.post(f"{address}/test", body).json()["campaigns"]
    assert (test["purpose"], test["state"]) == ("test", "preparing")
    contacts = api.get(f"lists/{test['lists'][0]['id']}").json()
    assert contacts["contact_count"] == 2
    assert errors(api.post(f"{address}/test", body | {"recipient": "country:PL"})) == [
        ("recipient", "not_found")
    ]
    assert api.post(f"{address}/test", {}).json()["code"] == "refused"
    rehearsal = api.post(f"{address}/rehearse", None).json()
    assert (rehearsal["purpose"], rehearsal["rehearsal_of"]) == ("rehearsal", draft["id"])
    assert api.delete(f"campaigns/{rehearsal['id']}").status_code == 409
    freeze(rehearsal["id"], timezone.now() + SOON)
    live = api.post(f"campaigns/{rehearsal['id']}/go-live", None).json()
    assert (live["id"], live["state"]) == (draft["id"], "preparing")
    assert api.post(f"{address}/go-live", None).status_code == 404
    assert len(api.get("campaigns?purpose=test").json()["items"]) == 1


def test_labels_and_notes(api: ApiClient, api_of: MakeClient, draft: Any) -> None:
    address = f"campaigns/{draft['id']}"
    [label] = api.post(f"{address}/labels", {"name": "Sale"}).json()["labels"]
    make_campaign("Other")
    assert [row["name"] for row in api.get(f"campaigns?label={label['id']}").json()["items"]] == [
        "Spring"
    ]
    assert api.delete(f"{address}/labels/{label['id']}").json()["labels"] == []
    note = api.post(f"{address}/notes", {"text": "Ask +380971234567"}).json()
    assert (note["author"], note["text"]) == ("api-marketer", "Ask +380971234567")
    [seen] = api_of(Role.VIEWER).get(f"{address}/notes").json()["items"]
    assert seen["text"] == "Ask +3809•••67"
    assert api_of(Role.APPROVER).delete(f"notes/{note['id']}").status_code == 403
    assert api.delete(f"notes/{note['id']}").status_code == 204


def test_filters_of_campaigns(api: ApiClient) -> None:
    for name, state in (("Old", CampaignState.FINISHED), ("New", CampaignState.DRAFT)):
        make_campaign(name, state)
    make_campaign("Test", CampaignState.FINISHED, purpose="test")

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"campaigns?{query}").json()["items"]]

    assert names("") == ["New", "Old"]
    assert (names("state=finished"), names("q=ne"), names("purpose=test")) == (
        ["Old"], ["New"], ["Test"],
    )  # fmt: skip
    assert names("launched_from=2020-01-01T00:00:00Z") == ["Old"]
    assert names("created_before=2020-01-01T00:00:00Z") == []
    user, noon = api.token.owner, datetime(2030, 3, 1, 12, tzinfo=UTC)
    later = make_campaign("Later", sender="Toys", scheduled_at=noon, created_by=user)
    assert names("scheduled_from=2030-03-01T12:00:00Z") == ["Later"]
    assert names("scheduled_before=2030-03-01T12:00:00Z") == []
    assert names(f"sender={later.sender_id}") == names(f"user={user.pk}") == ["Later"]
    assert errors(api.get("campaigns?created_from=2020-13-01T00:00:00Z")) == [
        ("created_from", "value_error")
    ]


def test_pages_cost_the_same_however_many_rows(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    api.get("campaigns")
    counts: dict[str, list[int]] = {}
    for people in (1, 30):
        for number in range(people):
            make_campaign(f"C {people} {number}", CampaignState.FINISHED)
        send(campaign, {("UA", "read"): people})
        for path in (
            "campaigns?limit=200",
            f"campaigns/{campaign.pk}/recipients?limit=200",
            f"campaigns/{campaign.pk}/recipients?state=read",
            f"spend/entries?campaign={campaign.pk}&limit=200",
        ):
            with CaptureQueriesContext(connection) as queries:
                assert len(api.get(path).json()["items"]) >= people
            counts.setdefault(path, []).append(len(queries))
    assert all(few == many for few, many in counts.values()), counts


def test_phones_are_masked_without_the_permission(api: ApiClient, api_of: MakeClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "refused"): 2, ("PL", "read"): 1})
    address, viewer = f"campaigns/{campaign.pk}/recipients", api_of(Role.VIEWER)
    for client, phone in ((viewer, "3806•••01"), (api, "+380670000001")):
        rows = client.get(f"{address}?phone=%2B380670000001").json()["items"]
        assert [(row["phone"], row["state"], row["error_code"]) for row in rows] == [
            (phone, "refused", 41)
        ]
        assert client.get("messages?phone=380670000001").json()["items"] == rows
        assert client.get(f"{address}?phone=38067000").json()["items"] == []
    assert len(api.get(f"{address}?country=PL").json()["items"]) == 1
    [reason] = api.get(f"campaigns/{campaign.pk}/progress").json()["undelivered"]
    assert (reason["state"], reason["number"]) == ("refused", 2)
    found = api.get(f"{address}?state=refused&why={reason['why']}").json()["items"]
    assert len(found) == 2
    assert errors(api.get(f"{address}?why=41.")) == [("why", "invalid")]
    entry = viewer.get(f"spend/entries?campaign={campaign.pk}").json()["items"][0]
    assert entry["phone"] == "4850•••03"
