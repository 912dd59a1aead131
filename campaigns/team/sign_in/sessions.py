"""Sessions: when they end by themselves, where a user is signed in, and ending them by hand.

A session ends SESSION_IDLE_MINUTES after the last thing its user did, and SESSION_HOURS after the
sign-in. What pages ask in the background is nothing that the user did.
"""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import timezone

from campaigns.team.models import User
from campaigns.team.sign_in.client import client_address

SINCE, SEEN, CONFIRMED = "signed_in_at", "seen_at", "confirmed_at"  # seconds, in the session
NOTED_EVERY = 60  # seconds, so that not each page writes the session
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def begin(request: HttpRequest, **signal: Any) -> None:
    """Receiver of user_logged_in: the limits of the session count from now.

    An OpenID Connect provider may let in a user who signed in to it long before.
    """
    now = timezone.now().timestamp()
    request.session[SINCE] = request.session[SEEN] = now
    request.session[CONFIRMED] = getattr(request, "confirmed_at", now)


def over(session: SessionBase, now: datetime) -> str:
    """Why the session has ended: "idle", "too old"; "" if it has not."""
    at = now.timestamp()
    if at - session.get(SINCE, 0) > settings.SESSION_HOURS * 3600:
        return "too old"
    return "idle" if at - session.get(SEEN, 0) > settings.SESSION_IDLE_MINUTES * 60 else ""


def is_fresh(session: SessionBase) -> bool:
    """Whether its user signed in, or confirmed who they are, in the last FRESH_MINUTES."""
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    confirmed = [record["at"] for record in records if record.get("reauthenticated")]
    signed_in = session.get(CONFIRMED, session.get(SINCE, 0))
    latest: float = max([signed_in, *confirmed])
    return bool(timezone.now().timestamp() - latest < settings.FRESH_MINUTES * 60)


def note_activity(request: HttpRequest, now: datetime) -> None:
    """The user did something: the session is not idle."""
    if now.timestamp() - request.session.get(SEEN, 0) < NOTED_EVERY:
        return
    request.session[SEEN] = now.timestamp()
    UserSession.objects.filter(session_key=request.session.session_key).update(
        last_seen_at=now, ip=client_address(request)
    )


def sessions_of(user: User) -> list[UserSession]:
    """Where `user` is signed in, the last active first."""
    now = timezone.now()
    longest = now - timedelta(hours=settings.SESSION_HOURS)
    idle = now - timedelta(minutes=settings.SESSION_IDLE_MINUTES, seconds=NOTED_EVERY)
    alive = [
        session
        for session in UserSession.objects.purge_and_list(user)
        if session.created_at > longest and session.last_seen_at > idle
    ]
    for session in alive:
        session.device = device_name(session.user_agent)
    return sorted(alive, key=lambda session: session.last_seen_at, reverse=True)


def end(user: User, session_id: int) -> bool:
    """End one session of `user`. False if there is none with this id."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session:
        session.end()
    return session is not None


def end_others(user: User, session_key: str | None) -> int:
    """End all sessions of `user` but that of `session_key`; return how many."""
    others = UserSession.objects.filter(user=user).exclude(session_key=session_key)
    for session in others:
        session.end()
    return len(others)


def prune(now: datetime) -> None:
    """Delete what is left of sessions that have ended."""
    oldest = now - timedelta(hours=settings.SESSION_HOURS)
    UserSession.objects.filter(created_at__lt=oldest).delete()
    SessionStore.clear_expired()


def device_name(user_agent: str) -> str:
    """ "Firefox, Linux" from what a browser says of itself; "" if it says nothing known."""
    found = [
        next((name for mark, name in known.items() if mark in user_agent), "")
        for known in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(filter(None, found))
