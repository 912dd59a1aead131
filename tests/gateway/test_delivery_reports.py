"""The callback_url of messages, and reading the reports posted to it."""

import pytest
from pytest_django import Settings

from campaigns.gateway.bsg.delivery_reports import PATH, callback_url, is_ours, references

A, B = "a" * 32, "0123456789abcdef" * 2


def test_callback_url_has_a_secret_of_this_installation(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL, settings.SECRET_KEY = "https://viber.example.com", "one" * 20
    first = callback_url()
    path = first.removeprefix("https://viber.example.com")
    assert path.startswith(PATH)
    assert len(path.removeprefix(PATH)) == 40
    assert is_ours(path)
    settings.SECRET_KEY = "two" * 20
    assert callback_url() != first
    assert not is_ours(path)
    # messages that are under way report to the address they were given
    settings.SECRET_KEY_FALLBACKS = ["one" * 20]
    assert is_ours(path)


def test_no_callback_url_without_a_public_address(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = ""
    assert callback_url() == ""


@pytest.mark.parametrize("secret", ["", "x", "é", "0" * 40, "0" * 4000])
def test_other_paths_are_rejected(secret: str) -> None:
    assert not is_ours(PATH + secret)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"reference": "%s", "status": "read", "price": 0}' % A.encode(), [A]),
        (
            b'[{"reference": "%s"}, {"reference": 7}, 8, {"reference": "%s"}]'
            % (A.encode(), B.encode()),
            [A, B],
        ),
        (b"reference=%s&status=delivered" % B.encode(), [B]),
        (b'{"reference": "somebody-elses"}', []),
        (b'{"reference": null}', []),
        (b'{"reference": "%s"' % A.encode(), []),
        (b"[" * 16_000, []),
        (b"\xff\xfe\x00", []),
        (b"null", []),
        (b"", []),
    ],
)
def test_only_references_are_read_from_a_report(body: bytes, expected: list[str]) -> None:
    assert references(body) == expected
