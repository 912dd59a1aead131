"""Parameters that an operation does not have are refused.

A filter with a misspelt name would return all rows.
"""

import inspect
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from campaigns.api.problems import FieldError, Problem


def known_only(run: Any) -> Any:
    """Decorator for the `run` of each operation."""
    operation = inspect.unwrap(run).__self__
    models = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    known = {name for model in models for name in model.__ninja_flatten_map__}

    @wraps(run)
    def answer(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if unknown := sorted(set(request.GET) - known):
            errors = [
                FieldError(name, "unknown", "There is no such parameter.") for name in unknown
            ]
            text = f"There is no such parameter: {', '.join(unknown)}"
            return Problem(422, "invalid", text[:500], errors).response()
        return run(request, **arguments)  # type: ignore[no-any-return]

    return answer
