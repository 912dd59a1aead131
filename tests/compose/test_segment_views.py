import pytest
from django.test import Client

from campaigns.compose.models import CampaignState, Condition, ConditionKind, Segment
from campaigns.contacts.models import StopListEntry
from campaigns.team.models import Role
from tests.compose.factories import contact_list, draft, person, ukrainians

pytestmark = pytest.mark.django_db
NAMED_N1 = {
    "row": ["c0:field"],
    "c0-field": "first_name",
    "c0-operator": "is",
    "c0-value": "N1",
    "match": "all",
}


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(person())
    made = contact_list("A", [*ukrainians(3), ("40712345678", "RO", {})])
    made.countries = {"UA": 3, "RO": 1}
    made.save()
    return client


def test_new_segment_without_a_script(signed_in: Client) -> None:
    shown = signed_in.get("/contacts/segments/new")
    assert [row.kind for _key, row in shown.context["form"].rows] == [ConditionKind.FIELD]
    shown = signed_in.post("/contacts/segments/new", {**NAMED_N1, "name": "", "add": "country"})
    assert shown.status_code == 200
    assert "Enter a name for the segment." not in shown.content.decode()
    for button in ({"add": "list"}, {"count": "1"}):
        shown = signed_in.post(
            "/contacts/segments/new", {**NAMED_N1, "name": "Ones", "match": "any", **button}
        )
        assert [shown.context["form"][name].value() for name in ("name", "match")] == [
            "Ones",
            "any",
        ]
        assert 'value="N1"' in shown.content.decode()
    rows = {
        **NAMED_N1,
        "row": ["c0:field", "c1:country"],
        "c1-negated": "True",
        "c1-countries": ["RO"],
    }
    shown = signed_in.post("/contacts/segments/new", {**rows, "count": "1"})
    assert "<strong>1</strong> contact meets the conditions now" in shown.content.decode()
    answer = signed_in.post(
        "/contacts/segments/new", {**rows, "name": "Ones", "then": "save"}, follow=True
    )
    assert answer.redirect_chain == [(f"/contacts/segments/{Segment.objects.get().pk}/", 302)]
    assert (answer.context["contact_count"], Segment.objects.get().people) == (1, 1)
    assert answer.context["conditions"] == ["first_name is “N1”", "not from Romania"]
    assert [contact.msisdn for contact, _values in answer.context["contacts"]] == ["380970000001"]


def test_edit_shows_what_is_saved_and_removes_a_row(signed_in: Client) -> None:
    segment = Segment.objects.create(name="Mixed")
    sender = draft().sender
    assert sender
    kept = {"outcome": "read", "negated": True, "sender": sender, "days": 30}
    Condition.objects.create(
        segment=segment, place=0, kind=ConditionKind.COUNTRY, countries=["UA", ""]
    )
    Condition.objects.create(segment=segment, place=1, kind=ConditionKind.MESSAGES, **kept)
    address = f"/contacts/segments/{segment.pk}/edit"
    rows = dict(signed_in.get(address).context["form"].rows)
    assert rows["c0"]["countries"].value() == ["UA", "-"]
    assert [rows["c1"][name].value() for name in ("verdict", "sender", "days")] == [
        "read!",
        sender.pk,
        30,
    ]
    posted = {
        "row": ["c0:country", "c1:messages"],
        "c1-verdict": "read!",
        "c1-sender": sender.pk,
        "c1-days": "30",
    }
    left = (
        signed_in.post(address, {**posted, "match": "any", "name": "Mixed", "remove": "c0"})
        .context["form"]
        .rows
    )
    assert [(key, row["days"].value()) for key, row in left] == [("c1", "30")]
    posted["row"] = ["c1:messages"]
    assert (
        signed_in.post(
            address, {**posted, "match": "any", "name": "Mixed", "then": "save"}
        ).status_code
        == 302
    )
    only = Condition.objects.get(segment=segment)
    assert {name: getattr(only, name) for name in kept} == kept
    assert Segment.objects.get().match == "any"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"row": []}, "Add at least one condition."),
        ({"c0-value": ""}, "Enter a value to compare with."),
        ({"c0-operator": "more"}, "Enter a number such as 12.5 or a date"),
        ({"c0-field": "nobody"}, "Select a valid choice."),
        ({"name": ""}, "Enter a name for the segment."),
        ({"row": ["c0:country"]}, "Choose a country."),
        ({"row": ["c0:list"]}, "Choose a list."),
    ],
)
def test_incomplete_condition_is_refused_at_its_field(
    signed_in: Client, values: dict[str, object], text: str
) -> None:
    answer = signed_in.post(
        "/contacts/segments/new", {**NAMED_N1, "name": "X", "then": "save", **values}
    )
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not Segment.objects.exists()


def test_live_count(signed_in: Client) -> None:
    assert (
        "<strong>1</strong> contact meets the conditions now"
        in signed_in.post("/contacts/segments/count", NAMED_N1).content.decode()
    )
    unfinished = signed_in.post(
        "/contacts/segments/count", {**NAMED_N1, "c0-value": ""}
    ).content.decode()
    assert "Complete the conditions to count the contacts." in unfinished


@pytest.mark.parametrize("number", [1, 3])
def test_list_counts_nobody(
    signed_in: Client, number: int, django_assert_num_queries: object
) -> None:
    for each in range(number):
        made = Segment.objects.create(name=f"S{each}", people=each)
        campaign = draft(name=f"C{each}")
        campaign.segments.add(made)
        campaign.exclude_segments.add(made)
    signed_in.get("/contacts/segments/")
    with django_assert_num_queries(7):  # type: ignore[operator]
        shown = signed_in.get("/contacts/segments/?sort=-people&q=s")
    assert [(one.name, uses) for one, uses in shown.context["rows"]] == [
        (f"S{each}", 1) for each in reversed(range(number))
    ]


def test_contacts_on_the_stop_list_are_marked_and_counted(signed_in: Client) -> None:
    segment = Segment.objects.create(name="Ukraine")
    Condition.objects.create(segment=segment, place=0, kind=ConditionKind.COUNTRY, countries=["UA"])
    for msisdn in ("380970000001", "380970000002", "40712345678"):  # the last is not in it
        StopListEntry.objects.create(msisdn=msisdn)
    page = signed_in.get(segment.get_absolute_url()).content.decode()
    assert page.count("Stop list</span>") == 2
    assert "2 of these are on the stop list and get no message." in page
    counted = signed_in.post("/contacts/segments/count", NAMED_N1).content.decode()
    assert "1 of these is on the stop list and gets no message." in counted


def test_delete_names_its_uses_and_duplicate_opens_a_copy(signed_in: Client) -> None:
    made = Segment.objects.create(name="S")
    campaign = draft(name="Autumn", state=CampaignState.SCHEDULED)
    campaign.segments.add(made)
    assert "Autumn" in signed_in.get(f"/contacts/segments/{made.pk}/menu").context["uses"].refusal
    refused = signed_in.post(f"/contacts/segments/{made.pk}/delete", follow=True)
    assert "This segment is used by Autumn. Remove it there first." in refused.content.decode()
    copy = signed_in.post(f"/contacts/segments/{made.pk}/duplicate")
    assert copy["Location"] == f"/contacts/segments/{Segment.objects.get(name='S (copy)').pk}/edit"
    campaign.delete()
    signed_in.post(f"/contacts/segments/{made.pk}/delete")
    assert not Segment.objects.filter(name="S").exists()


def test_viewers_look_and_change_nothing(client: Client) -> None:
    made = Segment.objects.create(name="S")
    client.force_login(person(Role.VIEWER))
    assert client.get(f"/contacts/segments/{made.pk}/").status_code == 200
    for address in ("new", "count", f"{made.pk}/edit", f"{made.pk}/duplicate", f"{made.pk}/delete"):
        assert client.post(f"/contacts/segments/{address}").status_code == 403
    assert Segment.objects.count() == 1
