"""What is reported to Sentry, and what is not: the bytes that arrive there."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import brotli
import pytest
import sentry_sdk
from django.apps import apps
from django.test import Client
from django_q import worker
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from tests.file_server import FileServer
from tests.reports.factories import make_campaign, make_user
from viberdash import __version__
from viberdash.observation import error_reports

PHONE, NAME = "380972920283", "Olena Koval"
PROGRESS = "campaigns.reports.pages.campaign_views.load_progress"


class Sink:
    """A server of Sentry's protocol."""

    def __init__(self, server: FileServer) -> None:
        self.server = server
        server.files["/api/7/envelope/"] = b"{}"

    def texts(self) -> list[str]:
        sentry_sdk.flush()
        return [brotli.decompress(body).decode() for body in self.server.bodies]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text.splitlines()[2]) for text in self.texts()]


@pytest.fixture
def sink(settings: Settings, file_server: FileServer) -> Iterator[Sink]:
    settings.SENTRY_DSN = f"http://secret@127.0.0.1:{file_server.port}/7"
    with patch.object(worker, "error_reporter", None):
        error_reports.start_if_set()
        yield Sink(file_server)
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def fail(*_arguments: object) -> None:
    text = f"{NAME} has {PHONE}"
    raise ValueError(text)


@pytest.mark.django_db
def test_failed_page_is_reported_without_data(client: Client, sink: Sink) -> None:
    campaign = make_campaign(NAME, CampaignState.SENDING)
    client.force_login(make_user(NAME))
    client.raise_request_exception = False
    with patch(PROGRESS, side_effect=fail):
        response = client.get(f"/campaigns/{campaign.pk}/?q={PHONE}", headers={"X-Secret": NAME})
    [event], [text] = sink.events(), sink.texts()
    assert event["tags"] == {
        "request_id": response.headers["X-Request-ID"],
        "campaign_id": str(campaign.pk),
        "brand_id": str(campaign.brand_id),
    }
    assert event["release"].partition("+")[0] == f"viberdash@{__version__}"
    assert event["logentry"] == {"message": "%s: %s"}
    [exception] = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "fail"
    for secret in (PHONE, NAME, "sessionid", '"vars"', '"user"'):
        assert secret not in text
    assert set(event) <= {*error_reports.KEPT, "exception", "logentry", "tags"}


def test_failed_task_is_reported_without_its_text(sink: Sink) -> None:
    reporter = vars(worker)["error_reporter"]
    try:
        fail()
    except ValueError:
        reporter.report()
    [event] = sink.events()
    assert [exception["type"] for exception in event["exception"]["values"]] == ["ValueError"]
    assert NAME not in json.dumps(event)


def test_messages_are_reported_as_they_stand_in_the_code(sink: Sink) -> None:
    logging.getLogger("campaigns.dispatch").error("Recipient %s is not known", PHONE)
    logging.getLogger("django-q").error(f"Failed {PHONE}")
    logging.getLogger("campaigns.dispatch").warning("Not an error")
    logging.getLogger("django.request").error("%s: %s", "Service Unavailable", "/readyz")
    messages = [event.get("logentry") for event in sink.events()]
    assert messages == [{"message": "Recipient %s is not known"}, None]
    assert PHONE not in "".join(sink.texts())


def test_library_is_not_imported_where_nothing_is_reported(settings: Settings) -> None:
    app = apps.get_app_config("viberdash")
    with patch.dict(sys.modules, {"sentry_sdk": None}):
        settings.SENTRY_DSN = ""
        app.ready()
        settings.SENTRY_DSN = "https://secret@sentry.example.com/7"
        with pytest.raises(ImportError):
            app.ready()
