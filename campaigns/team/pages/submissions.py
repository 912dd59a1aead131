"""Forms that create or spend something have a one-time token: a repeated submit, by a double click,
a reload or the back button, is answered with the result of the first.

A submit is repeated if user, token, address and content are the same. So a form that failed can be
submitted again, and after the back button another content is another submit. A request without a
token, such as of a script, is always handled.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from campaigns.team.models import Submission
from campaigns.team.pages.access import current_user

V = TypeVar("V", bound=Callable[..., HttpResponse])
FIELD = "submission"  # of the form
NOT_CONTENT = {"csrfmiddlewaretoken", FIELD}
WAIT = 10.0  # seconds for the result of a submit that is still under way
POLL = 0.1  # seconds
DEAD = timedelta(minutes=3)  # no request takes as long: the process that handled it was killed


def new_token() -> str:
    """Return the value of the hidden field; another one each time a form is shown."""
    return uuid4().hex


def token_of(request: HttpRequest) -> str:
    """Return the token that was posted; "" if there is none."""
    token = request.POST.get(FIELD, "")
    return token if re.fullmatch("[0-9a-f]{32}", token) else ""


def once(view: V) -> V:
    """Decorator for a view whose form creates or spends something."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or not request.POST.get(FIELD):
            return view(request, *args, **kwargs)
        submission, is_first = _claim(request)
        return (
            _handle(submission, view, request, args, kwargs)
            if is_first
            else (_first_result(request, submission.key) or guarded(request, *args, **kwargs))
        )

    guarded.is_once = True  # type: ignore[attr-defined]  # for the test that walks all forms
    return cast(V, guarded)


def _claim(request: HttpRequest) -> tuple[Submission, bool]:
    """Return the submission of this request, and whether it is the first of its kind."""
    now = timezone.now()
    submission, is_new = Submission.objects.get_or_create(
        key=_key(request), defaults={"user": current_user(request), "created_at": now}
    )
    if is_new or submission.answered_at or submission.created_at > now - DEAD:
        return submission, is_new
    dead = Submission.objects.filter(
        pk=submission.pk, created_at=submission.created_at, answered_at=None
    )
    return submission, bool(dead.update(created_at=now))


def _key(request: HttpRequest) -> str:
    fields = [(name, values) for name, values in request.POST.lists() if name not in NOT_CONTENT]
    files = [
        (name, file.name, file.size) for name, uploads in request.FILES.lists() for file in uploads
    ]
    user, address = current_user(request).pk, request.get_full_path()
    content = [user, request.POST[FIELD], address, sorted(fields), files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _handle(
    submission: Submission, view: V, request: HttpRequest, args: Any, kwargs: Any
) -> HttpResponse:
    """Call `view` and keep its result; if it did nothing, the same may be submitted again."""
    row = Submission.objects.filter(pk=submission.pk)
    try:
        response = view(request, *args, **kwargs)
    except BaseException:
        row.delete()
        raise
    said = _said(request)
    if _is_result(response, said):
        row.update(
            answered_at=timezone.now(),
            location=response.headers.get("Location", ""),
            body=response.content.decode() if isinstance(response, JsonResponse) else "",
            messages=said,
        )
    else:
        row.delete()
    return response


def _said(request: HttpRequest) -> list[tuple[int, str]]:
    """The messages that the view added, which nothing public of Django names."""
    added = getattr(messages.get_messages(request), "_queued_messages", [])
    return [(message.level, str(message.message)) for message in added]


def _is_result(response: HttpResponse, said: list[tuple[int, str]]) -> bool:
    """Whether the view did what was asked: it leads on or answers a script, without a complaint."""
    if any(level >= messages.WARNING for level, _text in said):
        return False
    return response.status_code == 302 or (
        response.status_code == 200 and isinstance(response, JsonResponse)
    )


def _first_result(request: HttpRequest, key: str) -> HttpResponse | None:
    """Return what the first submit was answered; None if it did nothing, so this one counts."""
    until = time.monotonic() + WAIT
    while True:
        submission = Submission.objects.filter(key=key).first()
        if submission is None:
            return None
        if submission.answered_at:
            return _repeat(request, submission)
        if time.monotonic() > until:
            return render(request, "campaigns/team/still_working.html", status=409)
        time.sleep(POLL)


def _repeat(request: HttpRequest, submission: Submission) -> HttpResponse:
    if submission.body:
        return HttpResponse(submission.body, content_type="application/json")
    for level, text in submission.messages:
        messages.add_message(request, level, text)
    return redirect(submission.location)
