"""All operations of version 1, and what each kind of error is answered."""

import logging
from functools import cache
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation

from campaigns.api import answers, parameters
from campaigns.api.access import NAMESPACE
from campaigns.api.document import Json, document
from campaigns.api.problems import FieldError, Problem
from campaigns.api.resources import (
    alerts,
    audit_trail,
    brands,
    contacts,
    conversions,
    holds,
    lists,
    me,
    people,
    segments,
    series,
    stop_list,
    triggers,
    webhooks,
)
from campaigns.api.resources.campaigns import (
    actions,
    best_times,
    campaigns,
    launching,
    notes,
    progress,
    recipients,
    reviews,
    variants,
)
from campaigns.api.resources.imports import imports, schedules
from campaigns.api.resources.library import labels, pictures, senders, templates, test_groups
from campaigns.api.resources.money import budgets, months, reconciliation, saved_reports, spend
from campaigns.api.resources.settings import limits
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import ConditionKind
from campaigns.contacts.importing.errors import ContactsError
from campaigns.events.webhooks import Refused as WebhookRefused
from campaigns.results.money.corrections import CorrectionRefused
from campaigns.team.removal import InUse

logger = logging.getLogger(__name__)
# errors of the domain whose text says to a user what to do
REFUSALS: tuple[type[Exception], ...] = (
    ContactsError,
    CorrectionRefused,
    InUse,
    Refused,
    WebhookRefused,
)


class Api(NinjaAPI):
    """Names operations by their functions, which generated clients call."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="ViberDash",
    version="1",
    description="All that the pages can do with data. docs/api.md has the rules and examples.",
    urls_namespace=NAMESPACE,
    docs_url=None,
    openapi_url=None,
)
api.add_decorator(answers.once, mode="view")
api.add_decorator(parameters.known_only, mode="view")
RESOURCES = (
    me, lists, contacts, imports, schedules, people, stop_list, segments,
    campaigns, reviews, launching, actions, progress, variants, recipients, best_times, notes,
    spend, months, saved_reports, reconciliation, budgets, limits, conversions,
    templates, pictures, labels, test_groups, senders,
    triggers, series, holds, webhooks, brands, alerts, audit_trail,
)  # fmt: skip
for resource in RESOURCES:
    api.add_router("", resource.router)


@cache
def openapi() -> Json:
    """The OpenAPI document."""
    return document(api)


def _answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """The problem that stands for an error of an operation; what nobody expects goes on."""
    match error:
        case Problem():
            return error.response()
        case ValidationError():
            errors = [_field_error(each) for each in error.errors]
            text = "; ".join(f"{each.field}: {each.message}" for each in errors)
            return Problem(422, "invalid", text[:500], errors).response()
        case PermissionDenied():
            return Problem(403).response()
        case Http404():
            return Problem(404).response()
        case HttpError():
            return Problem(error.status_code).response()
        case OperationalError():
            logger.warning("The database refused a request of the API", exc_info=error)
            return Problem(503, headers={"Retry-After": "5"}).response()
        case IntegrityError():
            logger.warning("A request of the API met a concurrent one", exc_info=error)
            text = "Another request changed this at the same time. Repeat the request."
            return Problem(409, "conflict", text).response()
        case _ if isinstance(error, REFUSALS):
            return Problem(409, "refused", str(error)).response()
    raise error


def _field_error(error: dict[str, Any]) -> FieldError:
    """An error of pydantic; the body or form is the argument `body` of each operation. Between the
    place of a condition and its field stands its kind, which is no part of the path.
    """
    parts = error["loc"]
    is_kind = [
        part in ConditionKind.values and isinstance(before, int)
        for before, part in zip(("", *parts), parts[:-1], strict=False)
    ]
    kept = zip(parts, [*is_kind, False], strict=True)
    place = [str(part) for part, left_out in kept if not left_out]
    place = place[2:] if place[:2] in (["body", "body"], ["form", "body"]) else place[1:]
    return FieldError(".".join(place), str(error["type"]), str(error["msg"]))


for kind in (Exception, Http404, HttpError, ValidationError):
    api.add_exception_handler(kind, cast(Any, _answer))
