"""Writes are done once: a request that is sent again with the same Idempotency-Key gets the answer
of the first, for a day.

The key is claimed before the work begins. The work and its answer are one transaction, so whichever
process dies: either both are there, or neither is and the request can be repeated. An operation
with transactions of its own (access.own_transactions) may have done its work without an answer:
then the repeated request is told that nobody knows. Where nothing was done, by a refusal or an
error, the key is free again. Answers with a secret (access.has_secret) are stored encrypted.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.api.access import has_file, token_of
from campaigns.api.problems import Problem, invalid
from campaigns.team.brand_keys import encryption
from campaigns.team.tokens.models import ApiAnswer

SAFE = ("GET", "HEAD", "OPTIONS")
HEADER = "Idempotency-Key"
KEY_MAX = 255
KEPT_HEADERS = ("Content-Type", "ETag", "Location")
DEAD = timedelta(minutes=3)  # no request takes as long: the process that handled it was killed
RETRY_AFTER = "1"  # seconds

Run = Callable[..., HttpResponseBase]


def once(run: Any) -> Run:
    """Decorator for the `run` of each operation."""
    operation = run.__self__
    is_atomic = not hasattr(operation.view_func, "own_transactions")
    is_secret = hasattr(operation.view_func, "has_secret")

    @wraps(run)
    def answer(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if request.method in SAFE:
            return run(request, **arguments)  # type: ignore[no-any-return]
        key = request.headers.get(HEADER)
        if key is None:
            return _do(lambda: run(request, **arguments), is_atomic)
        try:
            claim = _claim(request, key, is_atomic)
            if claim.answered_at:
                return _replay(claim, is_secret)
        except Problem as problem:
            return problem.response()
        return _answer_first(claim, lambda: run(request, **arguments), is_atomic, is_secret)

    return answer


def _do(
    run: Callable[[], HttpResponseBase],
    is_atomic: bool,
    store: Callable[[HttpResponseBase], None] = lambda response: None,
) -> HttpResponseBase:
    """The answer of `run`, stored in the same transaction; nothing stays of what was refused."""
    if not is_atomic:
        response = run()
        if response.status_code < 400:
            store(response)
        return response
    with transaction.atomic():
        response = run()
        if response.status_code >= 400:
            transaction.set_rollback(True)
        else:
            store(response)
    return response


def _answer_first(
    claim: ApiAnswer, run: Callable[[], HttpResponseBase], is_atomic: bool, is_secret: bool
) -> HttpResponseBase:
    own = ApiAnswer.objects.filter(pk=claim.pk, created_at=claim.created_at, answered_at=None)

    def store(response: HttpResponseBase) -> None:
        assert isinstance(response, HttpResponse)
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response}
        body = response.content.decode()
        stored = own.update(
            answered_at=timezone.now(),
            status=response.status_code,
            headers=headers,
            body=encryption.encrypt(_owner(claim), body) if is_secret else body,
        )
        if is_atomic and not stored:  # another request took the claim over
            raise RuntimeError("This request took longer than any may.")

    try:
        response = _do(run, is_atomic, store)
    except BaseException:
        own.delete()
        raise
    if response.status_code >= 400:
        own.delete()
    return response


def _claim(request: HttpRequest, key: str, is_atomic: bool) -> ApiAnswer:
    """The row of this request: answered, or new. Raises Problem."""
    if not 0 < len(key) <= KEY_MAX or not key.isprintable() or not key.isascii():
        raise invalid(HEADER, "invalid_key", f"1 to {KEY_MAX} printable ASCII characters.")
    now = timezone.now()
    content = _hash(request.method or "", request.get_full_path(), *_content(request))
    answer, is_new = ApiAnswer.objects.get_or_create(
        token=token_of(request), key=_hash(key), defaults={"content": content, "created_at": now}
    )
    if answer.content != content:
        text = "This Idempotency-Key was sent with another request. Use another one."
        raise Problem(422, "idempotency_key_reused", text)
    if is_new or answer.answered_at:
        return answer
    if answer.created_at > now - DEAD:
        text = "The first request with this Idempotency-Key is still under way."
        raise Problem(409, "under_way", text, headers={"Retry-After": RETRY_AFTER})
    if not is_atomic:
        text = "The server failed while it did this. Look what was done, and use another key."
        raise Problem(409, "outcome_unknown", text)
    dead = ApiAnswer.objects.filter(pk=answer.pk, created_at=answer.created_at, answered_at=None)
    if not dead.update(created_at=now):
        text = "The first request with this Idempotency-Key is still under way."
        raise Problem(409, "under_way", text, headers={"Retry-After": RETRY_AFTER})
    answer.created_at = now
    return answer


def _content(request: HttpRequest) -> Iterator[str | bytes]:
    """What the body says. The boundary of a form is another one in each request."""
    if not has_file(request):
        yield request.body
        return
    for name, values in sorted(request.POST.lists()):
        yield from (name, *values)
    for name in sorted(request.FILES):
        file: Any = request.FILES[name]
        whole = hashlib.sha256()
        for chunk in file.chunks():
            whole.update(chunk)
        yield from (name, file.name or "", whole.digest())


def _hash(*parts: str | bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def _replay(answer: ApiAnswer, is_secret: bool) -> HttpResponse:
    """The stored answer. Raises Problem if it can't be decrypted any more."""
    headers = answer.headers | {"Idempotency-Replayed": "true"}
    content_type = headers.pop("Content-Type", None)
    try:
        body = encryption.decrypt(_owner(answer), answer.body) if is_secret else answer.body
    except encryption.Unreadable:
        text = "This was done, but KEY_ENCRYPTION_KEYS no longer has the key of its answer."
        raise Problem(409, "outcome_unknown", text) from None
    return HttpResponse(body, content_type, answer.status, headers=headers)


def _owner(answer: ApiAnswer) -> str:
    """Whose secret the body is, for the encryption."""
    return f"api-answer:{answer.pk}"
