"""E-mails and posts about alerts, written in the transaction that changes them.

What changes at one moment comes in one e-mail for each address, and in one post: an account without
funds pauses all its campaigns at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.reports.alerts.kinds import AlertKind, kind_of
from campaigns.reports.alerts.texts import moment_text
from campaigns.shared.brands.scope import acting_for, all_brands
from campaigns.team import mail
from campaigns.team.alerts import posts
from campaigns.team.alerts.models import Alert
from campaigns.team.permissions import Permission
from campaigns.team.roles import users_with_permission

NAMED_MAX = 50  # in one e-mail or post


@dataclass(frozen=True, slots=True)
class Message:
    """What is told about an alert: that it started, or that it is over."""

    alert: Alert
    is_over: bool

    @property
    def kind(self) -> AlertKind:
        return kind_of(self.alert.kind)

    @property
    def sentence(self) -> str:
        kind, detail = self.kind, self.alert.detail
        return kind.over(detail) if self.is_over else kind.sentence(detail)

    @property
    def url(self) -> str:
        with acting_for(self.alert.brand_id):
            return mail.link(self.kind.url(self.alert.detail))

    @property
    def headline(self) -> str:
        """ "Critical: the sentence", "Over: the sentence"."""
        before = _("Over") if self.is_over else self.kind.severity.label
        return f"{before}: {self.sentence}"

    @property
    def paragraph(self) -> str:
        """For an e-mail: the sentence, what to do, since when, and where."""
        alert = self.alert
        since = _("Since %(start)s.") % {"start": moment_text(alert.started_at)}
        if self.is_over and alert.over_at:
            times = {"start": moment_text(alert.started_at), "end": moment_text(alert.over_at)}
            since = _("From %(start)s to %(end)s.") % times
        lines = [self.headline]
        if not self.is_over:
            step = self.kind.what_to_do(alert.detail)
            lines.append(_("What to do: %(step)s") % {"step": step})
        return "\n".join([*lines, since, self.url])

    def as_data(self) -> dict[str, Any]:
        """For the webhook."""
        alert = self.alert
        return {
            "id": alert.pk,
            "kind": alert.kind,
            "object": alert.object,
            "state": "over" if self.is_over else "started",
            "severity": self.kind.severity.name.lower(),
            "sentence": self.sentence,
            "what_to_do": "" if self.is_over else self.kind.what_to_do(alert.detail),
            "url": self.url,
            "started_at": alert.started_at.isoformat(timespec="seconds"),
            "over_at": alert.over_at.isoformat(timespec="seconds") if alert.over_at else None,
        }


def tell(started: Sequence[Alert], ended: Sequence[Alert]) -> None:
    """Write the e-mails and the post about these alerts, in the caller's transaction."""
    messages = [
        *(Message(alert, is_over=False) for alert in started),
        *(Message(alert, is_over=True) for alert in ended),
    ]
    if not messages:
        return
    for address, own in _by_address(messages).items():
        mail.mail_to(address, _subject(own), "\n\n".join(_paragraphs(own)) + "\n")
    named = messages[:NAMED_MAX]
    lines = [f"{message.headline}\n{message.url}" for message in named]
    text = "\n".join([*lines, *_more(messages)]).translate(posts.HARMLESS)
    posts.write({"text": text, "alerts": [message.as_data() for message in named]})


def _by_address(messages: Sequence[Message]) -> dict[str, list[Message]]:
    """Who gets which of them: the users who can do something about it, and ALERT_EMAIL all."""
    addresses: dict[str, list[Message]] = {}
    users: dict[tuple[int | None, Permission], set[str]] = {}
    for message in messages:
        told = message.alert.brand_id, kind_of(message.alert.kind).permission
        if told not in users:
            users[told] = addresses_of_users(*told)
        for address in sorted(users[told].union(settings.ALERT_EMAIL)):
            addresses.setdefault(address, []).append(message)
    return addresses


def addresses_of_users(brand_id: int | None, permission: Permission = Permission.SEND) -> set[str]:
    """The users who are told about a brand's alerts, if they have `permission` there, or about the
    installation's (None).
    """
    if brand_id is None:
        with all_brands():
            users = users_with_permission(Permission.OPERATE)
    else:
        with acting_for(brand_id):
            users = users_with_permission(permission)
    return set(users.exclude(email="").values_list("email", flat=True))


def _subject(messages: Sequence[Message]) -> str:
    if len(messages) == 1:
        return f"ViberDash: {messages[0].headline}"
    started = sum(not message.is_over for message in messages)
    over = len(messages) - started
    parts = [
        ngettext("%(n)d alert", "%(n)d alerts", started) % {"n": started} if started else "",
        _("%(n)d over") % {"n": over} if over else "",
    ]
    return f"ViberDash: {', '.join(filter(None, parts))}"


def _paragraphs(messages: Sequence[Message]) -> Iterator[str]:
    yield from (message.paragraph for message in messages[:NAMED_MAX])
    yield from _more(messages)


def _more(messages: Sequence[Message]) -> Iterator[str]:
    rest = len(messages) - NAMED_MAX
    if rest > 0:
        yield _("And %(n)d more: see Settings, Alerts.") % {"n": rest}
