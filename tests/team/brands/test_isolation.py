"""Nobody sees or changes what belongs to a brand in which they have no role: every address is
asked for the rows of another brand.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, ForeignKey, ManyToManyField, Model, TextField, Value
from django.db.models.functions import Concat, Left
from django.test import Client
from pytest_django import Settings

from campaigns.contacts.models import (
    ConsentRecord,
    ConsentWording,
    Contact,
    Person,
    StopListEntry,
    TopicPreference,
)
from campaigns.contacts.people.person_ids import id_of
from campaigns.models import CampaignState
from campaigns.reports.models import SavedReport
from campaigns.shared.brands.models import Branded, ParentBrandManager
from campaigns.shared.brands.scope import MAIN, acting_for, all_brands
from campaigns.team.models import Brand, Membership, Role, User
from campaigns.team.tokens.models import ApiToken
from tests.addresses.known_values import learn
from tests.addresses.requests import Site
from tests.addresses.routes import Route, every_route
from tests.addresses.rows import FIRST, PHONE, make_rows
from tests.reports.factories import make_campaign, make_user

pytestmark = [
    pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("plain_rendering"),
]  # fmt: skip
MARK = "Zebra"  # in every text of the other brand
# of the installation, not of a brand: they are for administrators
SHARED = ("account/", "settings/team/", "settings/mail/", "settings/gateway/", "settings/brands/")
VALUES = 3  # of each name
TEXTS = {"name", "title", "text", "notes", "list_name", "file_name", "topic"}


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Brand:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    return Brand.objects.create(name="Other", slug="other")


@pytest.fixture
def ids(other: Brand) -> list[int]:
    """Rows of each kind in the other brand; in the first one there is a campaign alone."""
    make_campaign("Ours", CampaignState.DRAFT, pk=900)
    with acting_for(other.pk):
        ids = make_rows(make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
        person = Person.objects.create(msisdn=PHONE, notes="note")
        TopicPreference.objects.create(person=person, topic="sales", wanted=True)
        wording = ConsentWording.objects.create(text="I agree.", fingerprint="x")
        ConsentRecord.objects.create(
            person=person, consent="given", wording=wording, recorded_at=wording.created_at
        )
        StopListEntry.objects.update(reason=MARK)
        Contact.objects.update(fields={"city": MARK, "name": MARK})
        for model in branded():
            for field in model._meta.concrete_fields:
                if field.name in TEXTS and isinstance(field, CharField | TextField):
                    marked = Left(Concat(Value(f"{MARK} "), field.name), field.max_length or 500)
                    model._default_manager.update(**{field.name: marked})
    return ids


def branded() -> Iterator[type[Model]]:
    for model in apps.get_app_config("campaigns").get_models():
        manager = model._default_manager
        if issubclass(model, Branded) or isinstance(manager, ParentBrandManager):
            yield model


def stranger(role: Role) -> Client:
    """Somebody of the first brand."""
    administers = role == Role.ADMINISTRATOR
    client = Client()
    client.force_login(make_user("stranger", role, is_staff=administers, is_superuser=administers))
    return client


def member_of(brand: Brand, role: Role) -> User:
    user = make_user("member", role)
    User.objects.filter(pk=user.pk).update(role="")
    Membership.objects.create(user=user, brand=brand, role=role)
    return User.objects.get(pk=user.pk)


def routes() -> Iterator[Route]:
    for route in every_route():
        if not route.is_admin and not route.path.startswith(SHARED):
            yield route


def url(route: Route, pk: int) -> str:
    return route.url(dict.fromkeys(route.arguments, str(pk)) | {"msisdn": id_of(PHONE)})


def rows_for(route: Route, ids: list[int]) -> list[int]:
    """Imports have low ids, which are those of other rows in the first brand too."""
    if "pk" not in route.arguments:
        return ids[:1]
    return [pk for pk in ids if pk >= FIRST or "imports/" in route.path]


def text_of(answer: Any) -> str:
    content = b"" if answer.streaming else answer.content
    return f"{answer.headers}\n{content.decode('utf-8', 'replace')}"


def test_no_address_opens_a_row_of_another_brand(ids: list[int]) -> None:
    """Not even for an administrator, whose role refuses nothing."""
    site, asked = Site([stranger(Role.ADMINISTRATOR)], ids), 0
    for route in routes():
        for pk in rows_for(route, ids):
            answer = site.request("get", url(route, pk))
            assert MARK not in text_of(answer), f"{route.path} {pk}"
            asked += 1
            if answer.status_code == 405:
                break  # whatever the row
            if "pk" in route.arguments:
                assert answer.status_code == 404, f"{route.path} {pk}"
    assert asked > 400


def test_no_form_changes_a_row_of_another_brand(other: Brand, ids: list[int]) -> None:
    client, before = stranger(Role.ADMINISTRATOR), dump(other)
    for route in routes():
        if "pk" in route.arguments:
            for pk in rows_for(route, ids):
                status = client.post(url(route, pk)).status_code
                if status == 405:
                    break  # whatever the row
                assert status == 404, f"{route.path} {pk}"
    assert dump(other) == before


def test_what_belongs_to_a_branded_row_is_limited_too() -> None:
    """Or it could be reached by its own id. Bulk tables have no address."""
    limited = set(branded())
    unlimited = {
        model.__name__
        for model in apps.get_app_config("campaigns").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model in limited and model not in limited
    }
    assert unlimited == {
        "ApiAnswer",
        "Editing",
        "GatewayCheck",
        "OverwrittenContact",
        "SampledStatus",
        "StatusFileBatch",
        "StatusHint",
    }


def dump(brand: Brand) -> list[Any]:
    with acting_for(brand.pk):
        return [list(model._default_manager.order_by("pk").values()) for model in branded()]


def test_no_value_of_another_brand_is_taken(other: Brand, ids: list[int]) -> None:
    """Whatever the pages and forms of a brand offer is nothing in another."""
    member = Client()
    user = member_of(other, Role.APPROVER)
    member.force_login(user)
    with acting_for(other.pk):
        SavedReport.objects.update(owner=user)
        ApiToken.objects.update(owner=user)
    offering, client = Site([member], ids), stranger(Role.APPROVER)
    learned = {
        (route.path, method): learn(offering, route, method, 1)
        for route in routes()
        for method in ("get", "post")
        if not route.path.startswith(("sign", "password"))
    }
    asked = Site([client], ids)
    alone = [
        route
        for route in routes()
        if "pk" not in route.arguments and (route.path, "get") in learned
    ]
    for route in alone:
        for name in sorted(learned[route.path, "get"].names):
            for value in sorted(offering.offered.get(name, ()))[:VALUES]:
                if MARK in value:  # a page repeats what it was asked for
                    continue
                answer = asked.request("get", url(route, ids[0]), {name: [value]})
                assert MARK not in text_of(answer), f"{route.path} {name}={value}"
    for route in alone:  # after that, as names that are typed are names of the first brand too
        values = {
            name: sorted(offering.offered.get(name, ()))[:VALUES]
            for name in learned[route.path, "post"].names
        }
        client.post(url(route, ids[0]), values)
    assert_nothing_crosses()


def assert_nothing_crosses() -> None:
    """No row of a brand names a row of another one."""
    with all_brands():
        for model in branded():
            for field in (*model._meta.fields, *model._meta.many_to_many):
                if isinstance(field, ForeignKey | ManyToManyField):
                    target = field.related_model
                    if issubclass(model, Branded) and issubclass(target, Branded):
                        rows = model._default_manager.exclude(**{field.name: None})
                        pairs = rows.values_list("brand", f"{field.name}__brand")
                        assert all(own == its for own, its in pairs), f"{model} {field.name}"


def test_members_open_their_own_rows(other: Brand, ids: list[int]) -> None:
    client, opened = Client(), 0
    client.force_login(member_of(other, Role.APPROVER))
    site = Site([client], ids)
    for route in routes():
        if "pk" in route.arguments:
            opened += any(
                site.request("get", f"/b/other{url(route, pk)}").status_code == 200 for pk in ids
            )
    assert opened > 20
    assert client.get("/b/main/campaigns/").status_code == 404
    assert client.get("/b/nobody/campaigns/").status_code == 404
    assert "/b/other/" in client.get("/campaigns/").content.decode()  # the only one of the user
    assert MAIN == 1
