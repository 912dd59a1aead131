"""The API does what its OpenAPI document promises, for whatever it is sent: as each role and as
nobody. A few examples in each run, many in `make fuzz`.
"""

import os
from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy, booleans
from pytest_django import Settings as SettingsFixture
from schemathesis import Case, GenerationMode

from campaigns.api.v1 import openapi
from campaigns.shared.brands.scope import MAIN
from campaigns.team.models import Role
from campaigns.team.permissions import PERMISSIONS
from tests.addresses.rows import FIRST, make_rows
from tests.api.conftest import client_of
from tests.reports.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 2))  # of each operation, as two of the roles
KNOWN = {"currency": "EUR", "brand_id": MAIN, "kind": "csv"}  # of other parameters: FIRST
REFUSED = ["401", "403", "404", "409", "412", "422"]  # by the data, whatever the schema says


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(openapi())
    schema.app = closing(get_wsgi_application())
    schema.config.checks.update(
        included_check_names=[
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
            "negative_data_rejection",
            "positive_data_acceptance",
            "ignored_auth",
        ]
    )
    schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", *REFUSED]
    every: list[Any] = list(schema.get_all_operations())
    return [result.ok() for result in every]


def closing(app: Any) -> Any:
    """The application, whose answers are closed when they are read, as every server does."""

    def whole(environ: Any, start_response: Any) -> list[bytes]:
        answer = app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            answer.close()

    return whole


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests keep the connection of the test, as those of Django's own test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(settings: SettingsFixture, one_connection: None) -> Mapping[str, Mapping[str, str]]:
    """Of each role; of nobody: none."""
    settings.API_RATE = 100_000
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    make_rows(boss)
    by_role: dict[str, Mapping[str, str]] = {"nobody": {}}
    for role in Role:
        user = boss if role == Role.ADMINISTRATOR else make_user(role.value, role)
        client = client_of(user, PERMISSIONS[role])
        by_role[role.value] = {"Authorization": f"Bearer {client.text}"}
    return by_role


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_keeps_its_promises(
    headers: Mapping[str, Mapping[str, str]], mode: GenerationMode
) -> None:
    roles = cycle(headers.values())
    for operation in operations():
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except Unsatisfiable:
            continue  # it takes nothing that could be wrong
        _ask(strategy, roles, may_know=mode == GenerationMode.POSITIVE)


def _ask(
    strategy: SearchStrategy[Case[Any]], roles: Iterator[Mapping[str, str]], *, may_know: bool
) -> None:
    """Send what `strategy` draws, as one role after the other; undo it. `may_know`: half of the
    requests name rows that exist.
    """

    @settings(
        max_examples=EXAMPLES if may_know else max(EXAMPLES // 2, 1),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, knows=booleans())
    def ask(case: Case[Any], knows: bool) -> None:
        if knows and may_know:
            case.path_parameters = {
                name: KNOWN.get(name, FIRST) for name in case.path_parameters or {}
            }
        with transaction.atomic():
            # what reads the answers in a test does not unpack them
            case.call_and_validate(headers={**next(roles), "Accept-Encoding": "identity"})
            transaction.set_rollback(True)

    ask()
