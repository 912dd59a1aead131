import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import AuditEntry, Campaign, Role, Sender, User

ADDRESS = "/settings/senders/"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("olena", role=Role.ADMINISTRATOR)


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def test_senders_show_where_they_are_used(signed_in: Client) -> None:
    used = Sender.objects.create(name="Shop")
    Sender.objects.create(name="Bank")
    Campaign.objects.create(name="Autumn", sender=used)
    rows = {sender.name: sender.campaigns for sender in signed_in.get(ADDRESS).context["page"]}
    assert rows == {"Bank": 0, "Shop": 1}


def test_empty_senders_page_says_what_belongs_there(signed_in: Client) -> None:
    assert "No senders yet." in signed_in.get(ADDRESS).content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_senders_take_the_same_queries_for_any_number(
    signed_in: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        Campaign.objects.create(name="Autumn", sender=Sender.objects.create(name=f"Shop {number}"))
    with django_assert_num_queries(5):  # session, user, brands, how many, the page
        signed_in.get(ADDRESS)


def test_sender_is_added(signed_in: Client, person: User) -> None:
    assert signed_in.post(ADDRESS, {"name": " Shop "}).headers["Location"] == ADDRESS
    assert Sender.objects.get().name == "Shop"
    assert AuditEntry.objects.get().actor == person


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "This field is required."),
        ("A" * 15, "at most 14 characters"),
        ("Shop", "This sender already exists."),
    ],
)
def test_sender_refused_at_its_field(signed_in: Client, name: str, text: str) -> None:
    Sender.objects.create(name="Shop")
    page = signed_in.post(ADDRESS, {"name": name}).content.decode()
    assert text in page
    assert Sender.objects.count() == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER])
def test_senders_are_seen_by_all_and_changed_by_administrators(
    signed_in: Client, person: User, role: Role
) -> None:
    sender = Sender.objects.create(name="Shop")
    User.objects.update(role=role)
    page = signed_in.get(ADDRESS).content.decode()
    assert "Shop" in page
    assert "Add sender" not in page
    assert signed_in.post(ADDRESS, {"name": "Bank"}).status_code == 403
    assert signed_in.post(f"{ADDRESS}{sender.pk}/delete").status_code == 403
    assert Sender.objects.count() == 1


def test_sender_that_nobody_uses_is_removed(signed_in: Client) -> None:
    sender = Sender.objects.create(name="Shop")
    assert signed_in.get(f"{ADDRESS}{sender.pk}/delete").status_code == 405
    assert signed_in.post(f"{ADDRESS}{sender.pk}/delete").headers["Location"] == ADDRESS
    assert not Sender.objects.exists()


def test_sender_in_use_stays(signed_in: Client) -> None:
    sender = Sender.objects.create(name="Shop")
    Campaign.objects.create(name="Autumn", sender=sender)
    page = signed_in.post(f"{ADDRESS}{sender.pk}/delete", follow=True).content.decode()
    assert "can&#x27;t be removed. It is used by: Autumn." in page
    assert Sender.objects.exists()
    assert not AuditEntry.objects.exists()


def test_sender_that_is_gone(signed_in: Client) -> None:
    assert signed_in.post(f"{ADDRESS}7/delete").status_code == 404
