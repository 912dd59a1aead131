"""What each role may ask of each address, as a table (permissions.txt).

`python -m pytest tests/addresses/test_permissions.py` compares the table with the site; with
WRITE_PERMISSIONS=1 it is written anew, to be read before it is committed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.urls import reverse

from campaigns.compose.models import Picture
from campaigns.contacts.people.person_ids import id_of
from campaigns.team.models import Brand, Membership, Role, User
from tests.addresses.requests import Site
from tests.addresses.routes import Route, every_route
from tests.addresses.rows import PHONE
from tests.plain_rendering import without_rendering
from tests.reports.factories import make_user

TABLE = Path(__file__).with_name("permissions.txt")
METHODS = ("get", "post")
# the last one has a role in another brand alone
ROLES = ("nobody", *Role.values, "approver elsewhere")
ABSENT = (404, 405)


def sign_in(role: str, administrator: User, other: Brand) -> Client:
    """A client of a user with this role."""
    client = Client()
    if role == Role.ADMINISTRATOR:
        client.force_login(administrator)
    elif role in Role.values:
        client.force_login(make_user(role, Role(role)))
    elif role != "nobody":
        user = make_user("elsewhere", Role.APPROVER)
        User.objects.filter(pk=user.pk).update(role="")
        Membership.objects.create(user=user, brand=other, role=Role.APPROVER)
        client.force_login(user)
    return client


def rows_of_table(site: Site) -> Iterator[str]:
    """A line for each address and method that exists: what each role gets.

    The clients of `site` are those of ROLES, in order.
    """
    administrator = ROLES.index(Role.ADMINISTRATOR)
    yield "\t".join(["address", "method", *ROLES])
    # files first: a request that deletes one is undone in the database alone
    for route in sorted(every_route(), key=lambda route: "name" not in route.arguments):
        if route.is_admin:
            continue
        for method in METHODS:
            url = _url_of_a_row(site, route, method, administrator)
            if url:
                with without_rendering():
                    gets = [outcome(site.request(method, url, user=n)) for n in range(len(ROLES))]
                yield "\t".join([f"/{route.path}", method, *gets])


def outcome(answer: Any) -> str:
    """What an answer says of the right to ask."""
    if answer.status_code in ABSENT:
        return "not found"
    if answer.status_code == 403:
        return "refused"
    if answer.status_code == 401:
        return "token"
    leads_to = urlsplit(answer.headers.get("Location", "")).path
    return "sign in" if leads_to.endswith(reverse("account_login")) else "yes"


def _url_of_a_row(site: Site, route: Route, method: str, user: int) -> str:
    """The address of a row that an administrator can ask with `method`; "" if there is none."""
    picture = str(Picture.objects.earliest("pk").file)
    for pk in site.ids if "pk" in route.arguments else site.ids[:1]:
        known = {"msisdn": id_of(PHONE), "name": picture, "step": "ask"}
        url = route.url(dict.fromkeys(route.arguments, str(pk)) | known)
        status = site.status(method, url, user=user)
        if status == 405:
            break  # whatever the row
        if status != 404:
            return url
    return ""
