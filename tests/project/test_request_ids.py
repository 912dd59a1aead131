"""Each request has an id: in the response, in the log, and on the page of an error."""

import json
import logging
import re
from unittest.mock import patch

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from campaigns.team.models import Role
from tests.reports.factories import make_campaign, make_user
from viberdash.logs import JsonFormatter, RedactingFormatter

GIVEN = "0f3c-of.the_proxy"


def id_for(client: Client, given: str) -> str:
    return client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]


@pytest.mark.django_db
def test_id_of_a_proxy_is_taken_from_a_proxy_alone(client: Client, settings: Settings) -> None:
    settings.PROXY_COUNT = 0
    made = id_for(client, GIVEN)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert id_for(client, GIVEN) != made
    settings.PROXY_COUNT = 1
    assert id_for(client, GIVEN) == GIVEN
    for unusable in ("", "short", "x" * 65, "with space", "<b>bold</b>", "a\u00e9aaaaaaaa"):
        assert re.fullmatch("[0-9a-f]{32}", id_for(client, unusable))


@pytest.mark.django_db
def test_error_shows_the_number_under_which_the_log_has_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_user(role=Role.MARKETER)
    campaign = make_campaign(state=CampaignState.SENDING)
    client.force_login(user)
    client.raise_request_exception = False
    lines: list[str] = []
    for formatter in (JsonFormatter(), RedactingFormatter()):
        handler = logging.Handler()
        handler.emit = lambda record, to=formatter: lines.append(to.format(record))  # type: ignore[method-assign,misc]
        logging.getLogger("django.request").addHandler(handler)
    try:
        with patch(
            "campaigns.reports.pages.campaign_views.load_progress", side_effect=RuntimeError
        ):
            response = client.get(f"/campaigns/{campaign.pk}/")
    finally:
        for handler in logging.getLogger("django.request").handlers[-2:]:
            logging.getLogger("django.request").removeHandler(handler)
    assert response.status_code == 500
    number = response.headers["X-Request-ID"]
    assert f"<code>{number}</code>" in response.content.decode()
    fields = json.loads(lines[0])
    assert (fields["request_id"], fields["user_id"]) == (number, user.pk)
    assert (fields["campaign_id"], fields["brand_id"]) == (campaign.pk, 1)
    assert lines[1].splitlines()[0].endswith(f"[{number}]")
