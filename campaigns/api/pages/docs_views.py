"""The OpenAPI document, and the page that shows it and sends requests with a token that is typed.

The token stays in the memory of the page.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.api.v1 import openapi


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The page, for whoever is signed in."""
    return render(request, "campaigns/api/docs.html")


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The document, for whoever is signed in or has a token."""
    return JsonResponse(openapi(), json_dumps_params={"ensure_ascii": False})
