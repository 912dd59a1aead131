"""The pages of lists, contacts and the stop list."""

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from python_calamine import CalamineWorkbook

from campaigns.contacts.models import Contact, ContactList, StopListEntry
from campaigns.contacts.people import person
from campaigns.models import AuditEntry, Campaign, CampaignState

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients() -> ContactList:
    made = ContactList.objects.create(
        name="Clients", fields=["first_name"], contact_count=2, countries={"UA": 2}
    )
    Contact.objects.create(
        list=made, msisdn="380972920283", country="UA", fields={"first_name": "Олена"}
    )
    Contact.objects.create(
        list=made, msisdn="380501234567", country="UA", fields={"first_name": "Іван"}
    )
    return made


def _counts(contact_list: ContactList) -> tuple[int, dict[str, int]]:
    contact_list.refresh_from_db()
    assert contact_list.contact_count == Contact.objects.filter(list=contact_list).count()
    return contact_list.contact_count, contact_list.countries


def test_empty_pages_say_what_to_do(signed_in: Client) -> None:
    for name in ("list-list", "import-list", "stop-list", "person-search"):
        answer = signed_in.get(reverse(name))
        assert answer.status_code == 200
        assert b"empty-state" in answer.content


@pytest.mark.parametrize("count", [1, 3])
def test_list_list_queries(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        ContactList.objects.create(
            name=f"List {number}", contact_count=5, countries={"UA": 3, "RO": 2}
        )
    with django_assert_num_queries(5):
        answer = signed_in.get(reverse("list-list"))
    assert [homes for _one, homes in answer.context["rows"]] == ["Ukraine, Romania"] * count


@pytest.mark.parametrize("count", [1, 3])
def test_list_detail_queries(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    made = ContactList.objects.create(name="Clients", contact_count=count)
    for number in range(count):
        Contact.objects.create(list=made, msisdn=f"38097292028{number}")
    with django_assert_num_queries(7):
        answer = signed_in.get(made.get_absolute_url())
    assert len(answer.context["rows"]) == count


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("292 02", ["380972920283"]),
        ("0972920283", ["380972920283"]),
        ("+380 (50) 123", ["380501234567"]),
        ("Іван", ["380501234567"]),
        ("nobody", []),
    ],
)
def test_list_detail_searches_phones_and_names(
    signed_in: Client, clients: ContactList, text: str, result: list[str]
) -> None:
    answer = signed_in.get(clients.get_absolute_url(), {"q": text})
    assert [person.msisdn for person, _values in answer.context["rows"]] == result


def test_contacts_on_the_stop_list_are_marked_and_counted(
    signed_in: Client, clients: ContactList
) -> None:
    page = signed_in.get(clients.get_absolute_url()).content.decode()
    assert "Stop list</span>" not in page
    assert "on the stop list" not in page
    StopListEntry.objects.create(msisdn="380501234567")
    StopListEntry.objects.create(msisdn="40700000001")  # on no list
    page = signed_in.get(clients.get_absolute_url()).content.decode()
    assert page.count("Stop list</span>") == 1
    assert "1 of these is on the stop list and gets no message." in page


def test_viewers_see_masked_phones_and_no_actions(viewer: Client, clients: ContactList) -> None:
    page = viewer.get(clients.get_absolute_url()).content.decode()
    assert "292" not in page.replace("380•••", "")
    assert "+3809•••83" in page
    for name in ("list-edit", "list-add", "list-paste", "list-copy", "list-export-csv"):
        assert viewer.get(reverse(name, args=[clients.pk])).status_code == 403
    assert viewer.post(reverse("list-delete", args=[clients.pk])).status_code == 403


def test_add_a_contact(signed_in: Client, clients: ContactList) -> None:
    address = reverse("list-add", args=[clients.pk])
    assert signed_in.get(address).status_code == 200
    answer = signed_in.post(address, {"phone": "067 111 22 33", "tag_first_name": " Марія "})
    assert answer.status_code == 302
    assert Contact.objects.get(msisdn="380671112233").fields == {"first_name": "Марія"}
    assert _counts(clients) == (3, {"UA": 3})


@pytest.mark.parametrize(
    ("phone", "text"),
    [
        ("12", "Too few digits"),
        ("0972920283", "This phone is already on the list."),
        ("0931112233", "This phone is on the stop list."),
    ],
)
def test_add_refuses_at_the_field(
    signed_in: Client, clients: ContactList, phone: str, text: str
) -> None:
    StopListEntry.objects.create(msisdn="380931112233")
    answer = signed_in.post(reverse("list-add", args=[clients.pk]), {"phone": phone})
    assert answer.context["form"].errors["phone"] == [text]
    assert _counts(clients)[0] == 2


def test_paste_counts_every_line(signed_in: Client, clients: ContactList) -> None:
    StopListEntry.objects.create(msisdn="380931112233")
    lines = "0671112233\n0671112233\n0972920283\n\n0931112233\nabc\n+40721234567"
    answer = signed_in.post(
        reverse("list-paste", args=[clients.pk]), {"phones": lines, "country": "UA"}
    )
    added = answer.context["paste_result"]
    assert (added.rows, added.new, added.known, added.duplicates, added.stop_listed) == (
        6,
        2,
        1,
        1,
        1,
    )
    assert answer.context["rejected_lines"] == [("abc", "Letters in the number")]
    assert _counts(clients) == (4, {"UA": 3, "RO": 1})


def test_change_remove_and_stop(signed_in: Client, clients: ContactList) -> None:
    olena, ivan = clients.contacts.order_by("id")
    signed_in.post(reverse("contact-edit", args=[olena.pk]), {"tag_first_name": "Оленка"})
    olena.refresh_from_db()
    assert olena.fields == {"first_name": "Оленка"}
    signed_in.post(reverse("contact-stop", args=[ivan.pk]))
    signed_in.post(reverse("contact-stop", args=[ivan.pk]))
    assert StopListEntry.objects.get().msisdn == ivan.msisdn
    signed_in.post(reverse("contact-remove", args=[ivan.pk]))
    assert _counts(clients) == (1, {"UA": 1})


def test_copy_to_a_new_list_and_merge(signed_in: Client, clients: ContactList) -> None:
    address = reverse("list-copy", args=[clients.pk])
    one = clients.contacts.order_by("id")[0]
    signed_in.post(f"{address}?contact={one.pk}", {"name": "Some"})
    some = ContactList.objects.get(name="Some")
    assert (_counts(some), some.fields) == ((1, {"UA": 1}), ["first_name"])
    signed_in.post(address, {"into": some.pk})
    assert _counts(some) == (2, {"UA": 2})
    assert Contact.objects.get(list=some, msisdn=one.msisdn).fields == {"first_name": "Олена"}


@pytest.mark.parametrize("contact", ["²", "9" * 30, "x"])
def test_copy_of_contacts_that_do_not_exist_copies_none(
    signed_in: Client, clients: ContactList, contact: str
) -> None:
    address = f"{reverse('list-copy', args=[clients.pk])}?contact={contact}"
    assert "Copy 0 contacts to another list" in signed_in.get(address).content.decode()
    signed_in.post(address, {"name": "None"})
    assert _counts(ContactList.objects.get(name="None")) == (0, {})


def test_export_is_safe_against_formulas(signed_in: Client, clients: ContactList) -> None:
    Contact.objects.filter(msisdn="380501234567").update(fields={"first_name": '=HYPERLINK("x")'})
    given = {"consent_on": "2026-01-05", "consent_source": "shop", "consent_wording": "I agree."}
    seen = person.values_of(person.find("380972920283"))
    person.change("380972920283", seen | given | {"consent": "given"}, seen, None)
    answer = signed_in.get(reverse("list-export-csv", args=[clients.pk]))
    assert b"".join(answer).decode("utf-8-sig").splitlines() == [
        "phone,country,first_name,consent,consent_on,consent_source,consent_wording",
        "38097 292 0283,UA,Олена,given,2026-01-05,shop,I agree.",
        '38050 123 4567,UA,"\'=HYPERLINK(""x"")",unknown,,,',
    ]
    some = signed_in.get(reverse("list-export-xlsx", args=[clients.pk]), {"q": "hyper"})
    sheet = (
        CalamineWorkbook.from_filelike(io.BytesIO(b"".join(some))).get_sheet_by_index(0).to_python()
    )
    assert [row[:4] for row in sheet] == [
        ["phone", "country", "first_name", "consent"],
        ["380501234567", "UA", '=HYPERLINK("x")', "unknown"],
    ]


def test_export_of_more_than_a_sheet_holds(signed_in: Client, clients: ContactList) -> None:
    ContactList.objects.update(contact_count=2_000_000)
    address = reverse("list-export-xlsx", args=[clients.pk])
    page = signed_in.get(clients.get_absolute_url(), {"q": "38"}).content.decode()
    assert f'href="{address}?q=38"' in page
    assert b"".join(signed_in.get(address)).startswith(b"PK")


def test_delete_names_what_uses_the_list(signed_in: Client, clients: ContactList) -> None:
    campaign = Campaign.objects.create(name="Spring sale")
    campaign.lists.add(clients)
    page = signed_in.get(reverse("list-menu", args=[clients.pk])).content.decode()
    assert 'data-confirm="Deletes 2 contacts. These drafts lose it: Spring sale."' in page
    Campaign.objects.update(state=CampaignState.SENDING)
    signed_in.post(reverse("list-delete", args=[clients.pk]))
    assert _counts(clients)[0] == 2
    Campaign.objects.update(state=CampaignState.FINISHED)
    signed_in.post(reverse("list-delete", args=[clients.pk]))
    assert not ContactList.objects.exists()
    assert not Contact.objects.exists()
    assert AuditEntry.objects.get().detail == "Clients: 2"


def test_delete_refuses_get(signed_in: Client, clients: ContactList) -> None:
    assert signed_in.get(reverse("list-delete", args=[clients.pk])).status_code == 405
    assert signed_in.post(reverse("list-delete", args=[clients.pk + 1])).status_code == 404


def test_rename(signed_in: Client, clients: ContactList) -> None:
    ContactList.objects.create(name="Taken")
    address = reverse("list-edit", args=[clients.pk])
    assert "name" in signed_in.post(address, {"name": "Taken"}).context["form"].errors
    signed_in.post(address, {"name": "Regulars"})
    clients.refresh_from_db()
    assert clients.name == "Regulars"


def test_stop_list_page(signed_in: Client, viewer: Client) -> None:
    address = reverse("stop-list")
    data = {"phones": "0972920283\n0972920283\nabc", "reason": "asked by phone", "country": "UA"}
    answer = signed_in.post(address, data)
    assert answer.context["rejected_lines"] == [("abc", "Letters in the number")]
    entry = StopListEntry.objects.get()
    assert (entry.msisdn, entry.reason) == ("380972920283", "asked by phone")
    assert len(signed_in.get(address, {"q": "292 02"}).context["slice"].rows) == 1
    assert viewer.post(address, data).status_code == 403
    assert b"292 0283" not in viewer.get(address).content
    assert viewer.post(reverse("stop-lift", args=[entry.pk])).status_code == 403
    signed_in.post(reverse("stop-lift", args=[entry.pk]))
    assert not StopListEntry.objects.exists()


@pytest.mark.parametrize("as_file", [False, True])
def test_stop_list_says_how_many_older_forms_were_read(signed_in: Client, as_file: bool) -> None:
    lines = "8 067 111 00 01\n0671110002\n8 067 111 00 03\n"
    data: dict[str, object] = {"reason": "", "country": "UA"}
    data |= {"file": ContentFile(f"phone\n{lines}", "stop.csv")} if as_file else {"phones": lines}
    page = signed_in.post(reverse("stop-list"), data, follow=True).content.decode()
    assert (
        "Added to the stop list: 3. Already on it: 0. Rejected: 0."
        " 2 numbers in older or domestic forms were read in their current form."
    ) in page


@pytest.mark.parametrize("count", [1, 3])
def test_stop_list_queries(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        StopListEntry.objects.create(msisdn=f"38097292028{number}")
    with django_assert_num_queries(5):
        signed_in.get(reverse("stop-list"))


def test_stop_list_pages_begin_with_the_newest(signed_in: Client) -> None:
    StopListEntry.objects.bulk_create(
        [StopListEntry(msisdn=f"3809729202{number:02d}") for number in range(51)]
    )
    first = signed_in.get(reverse("stop-list")).context["slice"]
    second = signed_in.get(reverse("stop-list"), {"at": first.after}).context["slice"]
    assert [first.rows[0].msisdn, first.rows[-1].msisdn] == ["380972920250", "380972920201"]
    assert [entry.msisdn for entry in second.rows] == ["380972920200"]
    back = signed_in.get(reverse("stop-list"), {"at": second.before}).context["slice"]
    assert (list(back.rows), back.before) == (list(first.rows), "")


def test_list_pages_follow_each_other_without_counting(
    signed_in: Client, clients: ContactList
) -> None:
    address, there = (
        clients.get_absolute_url(),
        list(Contact.objects.filter(list=clients).order_by("pk")),
    )
    more = [Contact(list=clients, msisdn=f"3805011122{number:02d}") for number in range(100)]
    there += Contact.objects.bulk_create(more)
    second = signed_in.get(address, {"at": signed_in.get(address).context["page"].after})
    assert [row[0] for row in second.context["rows"]] == there[50:100]
    with CaptureQueriesContext(connection) as asked:
        third = signed_in.get(address, {"at": second.context["page"].after})
    assert [row[0] for row in third.context["rows"]] == there[100:]
    assert not [
        query["sql"] for query in asked if "OFFSET" in query["sql"] or "COUNT(" in query["sql"]
    ]
    Contact.objects.filter(pk__in=[one.pk for one in there[100:]]).delete()
    gone = signed_in.get(address, {"at": second.context["page"].after})
    assert [row[0] for row in gone.context["rows"]] == there[:50]


def test_search_leads_to_a_phone_or_lists_matches(signed_in: Client, clients: ContactList) -> None:
    StopListEntry.objects.create(msisdn="380972920283", reason="asked")
    answer = signed_in.get(reverse("person-search"), {"q": "097 292-02-83"})
    assert answer["Location"] == reverse("person", args=["380972920283"])
    page = signed_in.get(answer["Location"]).content.decode()
    assert "Clients" in page
    assert "asked" in page
    part = signed_in.get(reverse("person-search"), {"q": "+380 97"})
    assert [one.msisdn for one in part.context["page"].object_list] == ["380972920283"]


def test_stop_list_accepts_a_file(signed_in: Client) -> None:
    address = reverse("stop-list")
    content = "name;телефон\nA;0972920283\nB;0972920283\nC;044 1234567\nD;+40721234567\n".encode()
    answer = signed_in.post(
        address, {"file": SimpleUploadedFile("stop.csv", content), "country": "UA"}
    )
    assert answer.context["rejected_lines"] == [("C; 044 1234567", "Not a mobile number")]
    assert set(StopListEntry.objects.values_list("msisdn", flat=True)) == {
        "380972920283",
        "40721234567",
    }
    refused = signed_in.post(
        address, {"file": SimpleUploadedFile("stop.csv", b"%PDF-1"), "country": "UA"}
    )
    assert list(refused.context["form"].errors) == ["file"]
    assert list(signed_in.post(address, {"country": "UA"}).context["form"].errors) == ["phones"]
