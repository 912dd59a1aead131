"""The OpenAPI 3.1 document: what ninja says of the operations, and what holds for all of them."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from campaigns.api.access import Needs
from campaigns.api.problems import CONTENT_TYPE

Json = dict[str, Any]
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
IDEMPOTENCY_KEY: Json = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A request that is sent again with the same key within a day gets the answer of"
    " the first, and does nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
IF_MATCH: Json = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag of the version that was read: 412 if it was changed since.",
    "schema": {"type": "string", "pattern": '^(W/)?"[0-9a-f]{24}"$'},
}
PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do, in words."},
        "code": {"type": "string", "description": "For programs: it never changes."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}
_REFERENCE = {"schema": {"$ref": "#/components/schemas/Problem"}}
PROBLEM_RESPONSE: Json = {
    "description": "A problem",
    "content": {CONTENT_TYPE: _REFERENCE},
}


class Document(OpenAPISchema):
    """The document, made once a process."""

    def operation_details(self, operation: Operation) -> Json:
        details: Json = super().operation_details(operation)
        needed = next(auth for auth in operation.auth_callbacks if isinstance(auth, Needs))
        details["summary"] = _summary(operation)
        details["security"] = [{"token": [needed.permission.value]}]
        text = f"Needs the permission `{needed.permission.value}`."
        details["description"] = f"{details.get('description', '')}\n\n{text}".strip()
        if WRITES.intersection(operation.methods):
            details["parameters"].append(IDEMPOTENCY_KEY)
        if 412 in operation.response_models:
            details["parameters"].append(IF_MATCH)
            details["responses"][412] = PROBLEM_RESPONSE
        details["responses"]["default"] = PROBLEM_RESPONSE
        return details

    def get_components(self) -> Json:
        components: Json = super().get_components()
        components["schemas"] = dict(sorted({**components["schemas"], "Problem": PROBLEM}.items()))
        components["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of Settings → API. Each operation names the permission"
                " that the token and its owner need.",
            }
        }
        return components


def _summary(operation: Operation) -> str:
    """What the operation does in a few words: of its own, or of the name of its function."""
    name = operation.view_func.__name__
    is_own = operation.summary and operation.summary != name.title().replace("_", " ")
    return operation.summary if is_own else name.replace("_", " ").capitalize()


def document(api: NinjaAPI) -> Json:
    """The document of `api`, as plain values."""
    return Document(api, "api/v1/")
