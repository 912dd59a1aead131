"""Every error is a problem; limits are said in headers."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.api.problems import CONTENT_TYPE
from campaigns.models import ApiToken, ContactList
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db


def raw(api: ApiClient, body: bytes, content_type: str) -> Any:
    headers = {"Authorization": f"Bearer {api.text}"}
    return api.client.post("/api/v1/lists", body, content_type, headers=headers)


def is_problem(answer: Any, status: int, code: str) -> None:
    body = answer.json()
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:viberdash:problem:{code}"
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert set(body) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_errors_of_each_kind(api: ApiClient, settings: Settings) -> None:
    is_problem(raw(api, b"{", "application/json"), 400, "bad_request")
    is_problem(api.client.get("/api/v1/lists"), 401, "unauthorized")
    is_problem(api.get("lists/9999"), 404, "not_found")
    is_problem(api.get("nothing"), 404, "not_found")
    is_problem(api.get(""), 404, "not_found")
    is_problem(api.client.get("/api/v2/lists"), 404, "not_found")
    is_problem(api.send("PUT", "lists"), 405, "method_not_allowed")
    is_problem(
        raw(api, b"name=A", "application/x-www-form-urlencoded"), 415, "unsupported_media_type"
    )
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    is_problem(raw(api, b'{"name": "ABCDEF"}', "application/json"), 413, "too_large")


def test_what_does_not_fit_is_named(api: ApiClient) -> None:
    answer = api.post("lists", {"fields": [{"name": "1"}], "colour": "red"})
    is_problem(answer, 422, "invalid")
    assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {
        ("name", "missing"),
        ("fields.0.name", "string_pattern_mismatch"),
        ("colour", "extra_forbidden"),
    }
    answer = api.get("lists?limit=201")
    assert answer.json()["errors"][0]["field"] == "limit"


def test_parameters_that_no_operation_has_are_named(api: ApiClient) -> None:
    answer = api.get("lists?limit=2&serach=a&%3Cb%3E=1")
    is_problem(answer, 422, "invalid")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("<b>", "unknown"),
        ("serach", "unknown"),
    ]
    assert api.post("lists?draft=1", {"name": "A"}).status_code == 422
    assert not ContactList.objects.exists()


def test_a_host_that_is_not_ours(api: ApiClient) -> None:
    is_problem(api.get("lists", Host="evil.example"), 400, "bad_request")


def test_a_failure_of_the_server(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("campaigns.api.resources.lists.page", fail)
    api.client.raise_request_exception = False
    answer = api.get("lists")
    is_problem(answer, 500, "internal_error")
    assert b"RuntimeError" not in answer.content


def test_each_token_has_its_rate(api: ApiClient, settings: Settings) -> None:
    settings.API_RATE = 2
    settings.REDIS_URL = ""  # counted in the row, as where no Redis is
    remaining = [api.get("lists").headers["RateLimit-Remaining"] for _time in range(2)]
    assert remaining == ["1", "0"]
    answer = api.get("lists")
    is_problem(answer, 429, "too_many_requests")
    assert answer.headers["RateLimit-Limit"] == "2"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
    ApiToken.objects.update(counted_minute=1)  # another minute
    assert api.get("lists").status_code == 200


def test_hostile_texts_are_refused_or_kept(api: ApiClient) -> None:
    nul = api.post("lists", {"name": "A\0"})
    is_problem(nul, 422, "invalid")
    is_problem(raw(api, b'{"name": "\\ud800"}', "application/json"), 422, "invalid")
    is_problem(raw(api, b'{"name": "\xff"}', "application/json"), 400, "bad_request")
    name = "<script>alert(1)</script>'\"{{ 7*7 }}\u202e😀"
    assert api.post("lists", {"name": name}).json()["name"] == name
    assert api.get("lists?q=%00").json()["items"] == []


def test_pages_of_the_api_are_for_the_signed_in(client: Client, api: ApiClient) -> None:
    assert client.get("/api/v1/docs").status_code == 302
    assert client.get("/api/v1/openapi.json").status_code == 302
    assert api.get("openapi.json").json()["openapi"] == "3.1.0"
    client.force_login(api.token.owner)
    assert client.get("/api/v1/openapi.json").json()["openapi"] == "3.1.0"
    assert b"swagger-ui-bundle.js" in client.get("/api/v1/docs").content
