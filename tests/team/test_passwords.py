"""Which passwords are accepted, and how they are stored."""

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from campaigns.models import User
from campaigns.team.sign_in import passwords

PRODUCT_HASHERS = [
    "campaigns.team.sign_in.passwords.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD = "violet lamp under the bridge"


def refusals(password: str) -> list[str]:
    try:
        validate_password(password, User(username="olena", email="olena.koval@example.com"))
    except ValidationError as refused:
        return list(refused.messages)
    return []


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "wqwqwqwqwqwqwqw",  # 15, of one kind
        "473829104738291",
        "фіалкова лампа під мостом",
        "x" * 128,
    ],
)
def test_length_is_enough(password: str) -> None:
    assert refusals(password) == []


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("violet lamp un", "Use at least 15 characters."),
        ("x" * 129, "Use at most 128 characters."),
        ("Passwordpassword", "This password is known from a data breach. Choose another one."),
        ("1q2w3e4r5t6y7u8i", "This password is known from a data breach. Choose another one."),
        ("olena.koval@example.com", "The password is too similar to the email address."),
    ],
)
def test_refused_with_one_reason(password: str, said: str) -> None:
    assert refusals(password) == [said]


def test_list_of_breached_passwords_is_whole_and_in_small_letters() -> None:
    known = passwords.BreachedValidator().passwords
    assert len(known) == 44_018
    assert all(12 <= len(password) <= 128 and password == password.lower() for password in known)
    assert passwords.BREACHED.stat().st_size < 350_000


@pytest.mark.django_db
def test_hash_of_the_version_before_is_renewed_at_the_sign_in(
    client: Client, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = PRODUCT_HASHERS
    old = make_password("short-7", hasher="pbkdf2_sha256")
    olena = User.objects.create(username="olena", password=old)
    client.post("/sign-in/", {"login": "olena", "password": "wrong"})
    olena.refresh_from_db()
    assert olena.password == old
    assert client.post("/sign-in/", {"login": "olena", "password": "short-7"}).status_code == 302
    olena.refresh_from_db()
    assert olena.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert client.get("/session").json()["user"] == olena.pk
    assert not identify_hasher(olena.password).must_update(olena.password)
    client.post("/sign-out/")
    assert client.post("/sign-in/", {"login": "olena", "password": "short-7"}).status_code == 302


def test_settings_store_argon2() -> None:
    from viberdash import settings as product

    assert product.PASSWORD_HASHERS == PRODUCT_HASHERS
