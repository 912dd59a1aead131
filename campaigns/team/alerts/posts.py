"""The outbox of the webhook: a POST of JSON to ALERT_WEBHOOK_URL, repeated for some hours.

The body has a `text`, which Slack, Mattermost, Rocket.Chat and Teams show, and the alerts as data.
With ALERT_WEBHOOK_SECRET it is signed as Standard Webhooks 1.0 describes it (standardwebhooks.com).

As with e-mails, the time of the next try is committed before each try: a post may come twice, with
the same id in a header, but it is never lost.
"""

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db.models import F

from campaigns.shared import database_clock
from campaigns.shared.web import signing
from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.exchange import exchange, read_address
from campaigns.team.alerts.models import AlertPost, PostState

logger = logging.getLogger(__name__)
SECONDS = 10.0  # of one request
FIRST_WAIT = timedelta(minutes=1)  # longer than a request; each further wait is doubled
MAX_TRIES = 10  # the last one after 8.5 hours
# of a text, so that a name in a chat neither becomes a link or a command there nor calls everybody
HARMLESS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b"})


def write(body: Mapping[str, Any]) -> None:
    """Have `body` posted, in the caller's transaction; nothing without ALERT_WEBHOOK_URL."""
    if settings.ALERT_WEBHOOK_URL:
        AlertPost.objects.create(body=json.dumps(body), next_try_at=database_clock.now())


def deliver_due(time_limit: float) -> int:
    """Post what is due, for about `time_limit` seconds; return how many were taken."""
    if not settings.ALERT_WEBHOOK_URL:
        return 0
    sent, until = 0, monotonic() + time_limit
    while monotonic() < until and (post := _claim()):
        sent += _deliver(post)
    return sent


def _claim() -> AlertPost | None:
    """A post that is due and belongs to this process until its next try."""
    while True:
        now = database_clock.now()
        due = AlertPost.objects.filter(state=PostState.WAITING, next_try_at__lte=now)
        post = due.order_by("next_try_at", "pk").first()
        if post is None:
            return None
        same_try = due.filter(pk=post.pk, tries=post.tries)
        if same_try.update(tries=F("tries") + 1, next_try_at=now + FIRST_WAIT * 2**post.tries):
            post.tries += 1
            return post


def _deliver(post: AlertPost) -> bool:
    error = _request(post)
    same_try = AlertPost.objects.filter(pk=post.pk, state=PostState.WAITING, tries=post.tries)
    if not error:
        same_try.update(state=PostState.SENT, sent_at=database_clock.now(), last_error="")
        return True
    logger.warning("Post %s of alerts: try %s failed: %s", post.pk, post.tries, error)
    state = PostState.FAILED if post.tries >= MAX_TRIES else PostState.WAITING
    same_try.update(state=state, last_error=error[:300])
    return False


def _request(post: AlertPost) -> str:
    """Post it. Returns what went wrong, "" for nothing; never the address, which may be secret."""
    body = post.body.encode()
    headers = {"Content-Type": "application/json", **_identity(post, body)}
    try:
        target = read_address(settings.ALERT_WEBHOOK_URL)
        with exchange(target, SECONDS, method="POST", headers=headers, body=body) as answer:
            return "" if 200 <= answer.status < 300 else f"The server answered {answer.status}."
    except FetchError as error:
        return str(error)


def _identity(post: AlertPost, body: bytes) -> dict[str, str]:
    """The id of the post, the same in each try, the time, and with a secret the signature."""
    secrets = [settings.ALERT_WEBHOOK_SECRET] if settings.ALERT_WEBHOOK_SECRET else []
    return signing.signed_headers(f"alert_{post.pk}", database_clock.now(), body, secrets)
