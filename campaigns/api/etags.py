"""Versions of objects: a change that names an older one than the present is refused."""

import hashlib

from django.http import HttpRequest, HttpResponse

from campaigns.api.problems import Problem


def etag(*parts: object) -> str:
    """A tag that differs where any of `parts` does."""
    text = "\n".join(str(part) for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def send(response: HttpResponse, tag: str) -> None:
    """Have the response say which version it shows."""
    response.headers["ETag"] = tag


def require_match(request: HttpRequest, tag: str, *, required: bool = False) -> None:
    """Raise 412 unless If-Match names `tag`, the present version; 428 without it if `required`.

    To be asked within the transaction of the change, after the row is locked.
    """
    header = request.headers.get("If-Match", "")
    if not header:
        if required:
            text = "Send If-Match with the ETag of the version that you have read."
            raise Problem(428, "if_match_required", text)
        return
    # compressing an answer makes its tag a weak one
    named = [part.strip().removeprefix("W/") for part in header.split(",")]
    if header.strip() != "*" and tag not in named:
        text = "It was changed since the version that If-Match names. Read it again."
        raise Problem(412, "changed_meanwhile", text)
