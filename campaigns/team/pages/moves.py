"""The answer to a form that makes one move: what became of it, as a message."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def answer_move(
    request: HttpRequest,
    move: Callable[[], object],
    success: str,
    refused: type[Exception],
    to: Any,
) -> HttpResponse:
    """Make the move; say `success`, or why it was `refused`, on the page of `to`."""
    try:
        move()
    except refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, success)
    return redirect(to)
