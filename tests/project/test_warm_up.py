"""The page that is made before the web processes are forked."""

import pytest
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.db import connections
from pytest_django import Settings

from viberdash import warm_up


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("https_only", [True, False])
def test_sign_in_page_is_answered_and_nothing_is_left(settings: Settings, https_only: bool) -> None:
    settings.HTTPS_ONLY = settings.SECURE_SSL_REDIRECT = https_only
    settings.ALLOWED_HOSTS = ["localhost"]
    before = list(configured.MIDDLEWARE)
    assert warm_up.answer_first_page() == 200
    assert before == configured.MIDDLEWARE
    assert warm_up.METRICS in before
    assert not Session.objects.exists()


def test_server_starts_where_the_page_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("no database")

    monkeypatch.setattr(warm_up, "WSGIHandler", lambda: fail)
    monkeypatch.setattr(connections, "close_all", lambda: None)
    assert warm_up.answer_first_page() == 0
    assert caplog.messages == ["The first page could not be made beforehand"]
