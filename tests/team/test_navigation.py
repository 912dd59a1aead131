import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from pytest_django import Settings

from campaigns.gateway import environment
from campaigns.models import Role, User
from campaigns.team.pages import navigation


@pytest.mark.parametrize(
    ("address", "real"),
    [
        ("https://api.bsg.world/rest", True),
        ("https://bsg.world/rest", True),
        ("http://127.0.0.1:8090/rest", False),
        ("https://bsg.world.example.com/rest", False),
        ("https://notbsg.world/rest", False),
    ],
)
def test_is_real_gateway(settings: Settings, address: str, real: bool) -> None:
    settings.BSG_API_URL = address
    assert environment.is_real_gateway() is real


@pytest.mark.parametrize(
    ("key", "kind"), [("live_1", "live"), ("test_1", "test"), ("1", "other"), ("alive_1", "other")]
)
def test_key_kind(settings: Settings, key: str, kind: str) -> None:
    settings.BSG_API_KEY = key
    assert environment.key_kind() == kind


def test_badge_names_sandbox_and_test_key_and_is_absent_when_messages_are_real(
    settings: Settings,
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = "http://127.0.0.1:8090/rest", "live_1"
    assert navigation.environment_badge() is navigation.SANDBOX
    settings.BSG_API_URL = "https://api.bsg.world/rest"
    assert navigation.environment_badge() is None
    settings.BSG_API_KEY = "test_1"
    assert navigation.environment_badge() is navigation.TEST_KEY


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "Dashboard"),
        ("/campaigns/", "Campaigns"),
        ("/campaigns/7/edit", "Campaigns"),
        ("/account/", "Settings"),
    ],
)
def test_sections_mark_the_current_one(path: str, label: str) -> None:
    assert [str(section.label) for section in navigation.sections(path) if section.is_current] == [
        label
    ]


def test_initials() -> None:
    assert navigation.initials(User(username="olena")) == "O"
    assert (
        navigation.initials(User(username="olena", first_name="Olena", last_name="Koval")) == "OK"
    )
    assert navigation.initials(AnonymousUser()) == ""


def test_context_never_holds_the_key(db: None, rf: RequestFactory, settings: Settings) -> None:
    settings.BSG_API_KEY = "live_secret_7"
    request = rf.get("/")
    request.user = AnonymousUser()
    assert "live_secret_7" not in repr(navigation.navigation(request))


def test_pages_carry_a_strict_policy_and_no_inline_code(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("olena", role=Role.VIEWER))
    response = client.get("/settings/")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert " style=" not in page
    assert "<script>" not in page
    assert "onclick" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/campaigns/", "/settings/", "/account/"])
def test_pages_tell_administrators_of_unsafe_settings(
    client: Client, settings: Settings, address: str
) -> None:
    settings.INSECURE_SETTINGS = ["HOST", "BSG_API_URL"]
    client.force_login(User.objects.create_user("olena", role=Role.ADMINISTRATOR))
    page = " ".join(client.get(address).content.decode().split())
    assert (
        "The setting <code>HOST</code> is not safe: other machines reach this site without HTTPS,"
        " so passwords can be read on the way."
    ) in page
    assert (
        "The setting <code>BSG_API_URL</code> is not safe: with http:// the API key and phone"
        " numbers can be read on the way."
    ) in page
    client.force_login(User.objects.create_user("ivan", role=Role.MARKETER))
    assert "is not safe" not in client.get(address).content.decode()
    settings.INSECURE_SETTINGS = []
    client.force_login(User.objects.get(username="olena"))
    assert "is not safe" not in client.get(address).content.decode()
