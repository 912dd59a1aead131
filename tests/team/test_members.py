"""Settings -> Team: who may sign in, and that an administrator always can."""

import re
import threading

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from campaigns.models import AuditEntry, OutgoingMail, Role, User
from campaigns.team.sign_in import members

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-very-odd-7"
INVITED = {
    "username": "ivan",
    "first_name": "Ivan",
    "last_name": "Bondar",
    "email": "ivan@example.com",
    "role": Role.APPROVER,
}


def make(name: str, role: Role = Role.ADMINISTRATOR) -> User:
    user = User(username=name)
    user.role = role
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def boss(db: None) -> User:
    return make("boss")


@pytest.fixture
def signed_in(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


def actions() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "detail"))


def text(client: Client, method: str, address: str, **fields: str) -> str:
    """The page at the end."""
    page = getattr(client, method)(address, fields, follow=True)
    assert page.status_code == 200
    return str(page.content.decode())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER, Role.APPROVER])
def test_team_is_for_administrators(client: Client, boss: User, role: Role) -> None:
    client.force_login(make("olena", role))
    assert client.get("/settings/team/").status_code == 403
    assert client.post("/settings/team/", INVITED).status_code == 403
    assert client.get(f"/settings/team/{boss.pk}/").status_code == 403
    for act in ("role", "close", "reopen", "link"):
        address = f"/settings/team/{boss.pk}/{act}"
        assert client.post(address, {"role": Role.VIEWER}).status_code == 403
        assert client.get(address).status_code == 405
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == (Role.ADMINISTRATOR, True)


def test_list_names_everybody_with_role_and_state(signed_in: Client) -> None:
    make("olena", Role.VIEWER)
    closed = make("maria", Role.MARKETER)
    members.close(User.objects.get(username="boss"), closed.pk)
    signed_in.post("/settings/team/", INVITED)
    page = signed_in.get("/settings/team/").content.decode()
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", page, re.S)]
    states = [(" ".join(row.split()[:1]), row.split()) for row in rows[1:]]
    assert [name for name, _row in states] == ["boss", "Ivan", "olena", "maria"]
    assert [
        next(word for word in row if word in ("Active", "Invited", "Closed")) for _n, row in states
    ] == ["Active", "Invited", "Active", "Closed"]


def test_invitation_is_e_mailed_and_its_link_sets_the_password(
    signed_in: Client, settings: Settings
) -> None:
    settings.SENDS_MAIL, settings.PUBLIC_BASE_URL = True, "https://viber.example.com"
    page = text(signed_in, "post", "/settings/team/", **INVITED)
    assert "The invitation is being e-mailed to ivan@example.com." in page
    ivan = User.objects.get(username="ivan")
    assert (ivan.role, ivan.is_staff, ivan.is_superuser) == (Role.APPROVER, False, False)
    assert (ivan.is_invited, ivan.has_usable_password()) == (True, False)
    mail = OutgoingMail.objects.get()
    assert (mail.address, mail.subject) == ("ivan@example.com", "Your invitation to ViberDash")
    assert mail.body.startswith("boss invites you to ViberDash.\n\nYour user name is ivan.")
    link = re.search(r"https://viber\.example\.com(/password/\S+)", mail.body)
    assert link is not None
    guest = Client()
    address = guest.get(link[1], follow=True).redirect_chain[-1][0]
    guest.post(address, {"password1": PASSWORD, "password2": PASSWORD})
    ivan.refresh_from_db()
    assert not ivan.is_invited
    assert guest.login(username="ivan", password=PASSWORD)
    assert actions() == [("invited", "as approver"), ("password chosen by link", "")]


def test_link_is_shown_only_where_no_e_mail_can_be_sent(
    signed_in: Client, settings: Settings
) -> None:
    signed_in.post("/settings/team/", INVITED)
    ivan = User.objects.get(username="ivan")
    assert not OutgoingMail.objects.exists()
    page = text(signed_in, "post", f"/settings/team/{ivan.pk}/link")
    assert re.search(r'value="http://testserver/password/\S+/"', page)
    settings.SENDS_MAIL = True
    page = text(signed_in, "post", f"/settings/team/{ivan.pk}/link")
    assert "/password/" not in page.replace("/account/password/", "")
    assert OutgoingMail.objects.count() == 1
    assert actions()[-2:] == [
        ("invited again", "with a link to hand over"),
        ("invited again", "by e-mail"),
    ]


def test_nobody_gets_a_link_of_a_user_who_has_a_password(signed_in: Client) -> None:
    olena = make("olena", Role.VIEWER)
    page = text(signed_in, "post", f"/settings/team/{olena.pk}/link")
    assert "This user has chosen a password already." in page
    assert "/password/" not in page.replace("/account/password/", "")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("username", "BOSS", "There is a user with this name already."),
        ("username", "", "This field is required."),
        ("email", "ivan", "Enter a valid email address."),
        ("role", "king", "Select a valid choice."),
    ],
)
def test_invitation_is_refused_at_the_field(
    signed_in: Client, field: str, value: str, said: str
) -> None:
    page = text(signed_in, "post", "/settings/team/", **(INVITED | {field: value}))
    assert said in page
    assert User.objects.count() == 1


def test_invited_twice_by_a_double_click_is_invited_once(signed_in: Client) -> None:
    fields = INVITED | {"submission": "a" * 32}
    first = signed_in.post("/settings/team/", fields)
    assert signed_in.post("/settings/team/", fields).headers["Location"] == first["Location"]
    assert User.objects.count() == 2


def test_new_role_counts_at_once_and_ends_the_sessions(signed_in: Client) -> None:
    olena = make("olena", Role.VIEWER)
    elsewhere = Client()
    elsewhere.force_login(olena)
    page = text(signed_in, "post", f"/settings/team/{olena.pk}/role", role=Role.ADMINISTRATOR.value)
    assert "The role of olena is Administrator." in page
    olena.refresh_from_db()
    assert (olena.role, olena.is_staff, olena.is_superuser) == (Role.ADMINISTRATOR, True, True)
    assert elsewhere.get("/session").json()["user"] is None
    signed_in.post(f"/settings/team/{olena.pk}/role", {"role": Role.MARKETER})
    olena.refresh_from_db()
    assert (olena.role, olena.is_staff, olena.is_superuser) == (Role.MARKETER, False, False)
    assert actions() == [
        ("role changed", "viewer to administrator"),
        ("role changed", "administrator to marketer"),
    ]


def test_superuser_of_a_lower_role_can_be_demoted(signed_in: Client) -> None:
    hidden = User.objects.create_superuser("hidden", password=PASSWORD, role=Role.VIEWER)
    signed_in.post(f"/settings/team/{hidden.pk}/role", {"role": Role.VIEWER})
    hidden.refresh_from_db()
    assert (hidden.role, hidden.is_staff, hidden.is_superuser) == (Role.VIEWER, False, False)


def test_closed_account_is_signed_out_and_a_reopened_one_stays_so(signed_in: Client) -> None:
    olena = make("olena", Role.VIEWER)
    elsewhere = Client()
    elsewhere.force_login(olena)
    signed_in.post(f"/settings/team/{olena.pk}/close")
    assert elsewhere.get("/session").json()["user"] is None
    assert not Client().login(username="olena", password=PASSWORD)
    signed_in.post(f"/settings/team/{olena.pk}/reopen")
    elsewhere.force_login(olena)  # a session of before the account was closed
    assert elsewhere.get("/session").json()["user"] is None
    assert Client().login(username="olena", password=PASSWORD)
    assert actions() == [("closed", ""), ("reopened", "")]


@pytest.mark.parametrize(("act", "fields"), [("close", {}), ("role", {"role": "viewer"})])
def test_nobody_closes_or_demotes_themselves(
    signed_in: Client, boss: User, act: str, fields: dict[str, str]
) -> None:
    make("other")
    page = text(signed_in, "post", f"/settings/team/{boss.pk}/{act}", **fields)
    assert "own role or close your own account" in page
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == (Role.ADMINISTRATOR, True)


def test_invited_administrator_does_not_count_as_one(boss: User) -> None:
    request = RequestFactory().get("/")
    members.invite(boss, User(username="ivan", role=Role.ADMINISTRATOR), request)
    ivan = User.objects.get(username="ivan")
    with pytest.raises(members.Refused, match="another administrator who can sign in"):
        members.close(ivan, boss.pk)


def test_who_is_no_longer_an_administrator_changes_nothing(boss: User) -> None:
    other, olena = make("other"), make("olena", Role.VIEWER)
    members.change_role(boss, other.pk, Role.VIEWER)
    with pytest.raises(members.Refused, match="You are no longer an administrator"):
        members.close(other, olena.pk)  # a request that was let in before
    olena.refresh_from_db()
    assert olena.is_active


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("move", ["close", "demote"])
def test_two_administrators_at_once_never_remove_each_other(move: str) -> None:
    for _round in range(5):
        User.objects.all().delete()
        pair = [make("ann"), make("ben")]
        refused = _at_once(pair, move)
        left = User.objects.filter(is_active=True, role=Role.ADMINISTRATOR)
        assert (left.count(), len(refused)) == (1, 1)


def _at_once(pair: list[User], move: str) -> list[str]:
    """Each of `pair` removes the other, in threads that start together. The refusals."""
    start, refused = threading.Barrier(2), []

    def act(actor: User, other: User) -> None:
        try:
            start.wait()
            if move == "close":
                members.close(actor, other.pk)
            else:
                members.change_role(actor, other.pk, Role.VIEWER)
        except members.Refused as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=turn) for turn in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused
