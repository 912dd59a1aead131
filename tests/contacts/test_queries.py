"""Search by a part of phone or name: by scanning, by the index, and while it is behind."""

import pytest

from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.search import index, queries
from campaigns.dispatch.people import erase_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> ContactList:
    """60 contacts; a search scans the first 10 without the index and finds at most 20."""
    monkeypatch.setattr(queries, "MAX_SCANNED", 10)
    monkeypatch.setattr(queries, "MAX_HITS", 20)
    monkeypatch.setattr(queries, "MAX_UNINDEXED", 5)
    return _crowd("Crowd", 0)


def _crowd(name: str, first: int) -> ContactList:
    made = ContactList.objects.create(
        name=name, contact_count=60, countries={"UA": 60}, fields=["first_name", "city"]
    )
    names = ("Олена", "Taras_1", "Ян")
    people = [
        Contact(
            list=made,
            msisdn=f"38097{first + place:07d}",
            country="UA",
            fields={"first_name": names[place % 3] if place % 20 else "Zoë", "city": "Київ 100%"},
        )
        for place in range(60)
    ]
    Contact.objects.bulk_create(people)
    return made


def matches(text: str, on: ContactList | None = None) -> list[str]:
    hits = queries.search(text, on)
    people = dict(Contact.objects.filter(pk__in=hits.ids).values_list("pk", "msisdn"))
    return [people[pk] for pk in hits.ids]


def test_search_by_any_part(crowd: ContactList) -> None:
    other = _crowd("Other", 5_000_000)
    assert not index.index_contacts()
    assert matches("00057") == ["380970000057", "380975000057"]
    assert matches("097 000-00-57") == ["380970000057"]
    assert matches("00057", other) == ["380975000057"]
    assert matches("zoë", crowd) == ["380970000000", "380970000020", "380970000040"]
    assert matches("київ zoë", other) == ["380975000000", "380975000020", "380975000040"]
    assert matches("s_1 100%", crowd)[:2] == ["380970000001", "380970000004"]
    assert matches("s%1") == []
    assert matches("first_name") == []  # names of merge tags are not searched
    assert queries.search("олена") == queries.SearchResult(
        queries.search("олена").ids, complete=False
    )
    assert len(queries.search("олена").ids) == 20


def test_search_knows_when_it_is_incomplete(crowd: ContactList) -> None:
    assert queries.search("00057") == queries.SearchResult(
        [Contact.objects.get(msisdn__endswith="057").pk], False
    )
    assert matches("00030") == []  # neither among the first nor among the newest
    assert index.index_contacts(lambda: False)  # one slice, which is all there is
    assert not index.index_contacts()
    assert queries.search("00057").complete
    assert matches("00030") == ["380970000030"]
    assert queries.search("ян").too_short


def test_index_follows_changes_and_removals(crowd: ContactList) -> None:
    index.index_contacts()
    one, two = (
        Contact.objects.get(msisdn="380970000031"),
        Contact.objects.get(msisdn="380970000032"),
    )
    contact_lists.change_fields(one, {"first_name": "Veronika"}, {"first_name": "Taras_1"}, None)
    assert matches("veronika") == ["380970000031"]
    assert "380970000031" not in matches("taras_1 київ", crowd)
    contact_lists.remove_contacts(crowd, [two.pk])
    erase_contact.erase("380970000033", None)
    assert matches("7000003") == [f"38097000003{digit}" for digit in (0, 1, 4, 5, 6, 7, 8, 9)]
    Contact.objects.all().delete()
    assert matches("veronika") == []
