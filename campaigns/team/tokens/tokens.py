"""Making and revoking tokens, each with its entry in the trail."""

import ipaddress
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.team import audit, handover
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.tokens import token_text
from campaigns.team.tokens.models import PREFIX_LENGTH, ApiToken

KEPT = timedelta(days=90)  # after a token ended, in the list of tokens


class Refused(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """The token can't be made; the message says what to change."""


def issue(
    owner: User,
    name: str,
    scopes: Collection[Permission],
    *,
    expires_at: datetime | None,
    addresses: Iterable[str] = (),
) -> tuple[ApiToken, str]:
    """A new token of `owner` in the brand that is acted for, and its text, which is stored nowhere.

    Raises Refused for permissions that the owner does not have, and for a name that another token
    of the owner has.
    """
    lacking = [str(scope.label) for scope in scopes if not has_permission(owner, scope)]
    if lacking or not scopes:
        text = _("You can give a token only what you may do yourself.")
        raise Refused(text if lacking else _("Choose what the token may do."))
    text = token_text.new_text()
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                owner=owner,
                name=name,
                prefix=text[:PREFIX_LENGTH],
                hash=token_text.digest(text),
                scopes=sorted(scope.value for scope in scopes),
                addresses=[str(ipaddress.ip_network(address)) for address in addresses],
                expires_at=expires_at,
            )
            audit.record(owner, token, "created", f"{token.prefix}: {', '.join(token.scopes)}")
    except IntegrityError:
        raise Refused(_("You have a token with this name. Enter another name.")) from None
    return token, text


@transaction.atomic
def revoke(token: ApiToken, actor: User | None) -> bool:
    """End a token at once. False if it was revoked before."""
    standing = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    if not standing.update(revoked_at=timezone.now()):
        return False
    audit.record(actor, token, "revoked", token.prefix)
    return True


def remove_old(now: datetime) -> None:
    """Delete tokens that ended long ago."""
    before = now - KEPT
    ApiToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)).delete()


def oldest_end() -> datetime | None:
    """When the first of the tokens that are still there ended."""
    ends = ApiToken.objects.aggregate(revoked=Min("revoked_at"), expired=Min("expires_at"))
    over = [end for end in ends.values() if end is not None and end <= timezone.now()]
    return min(over, default=None)


def register_handover() -> None:
    """Let somebody else take over the tokens of a user whose account is closed; otherwise they are
    revoked. Called once, at the start.
    """

    def pause(token: ApiToken, actor: User) -> None:
        revoke(token, actor)

    handover.register(
        handover.Kind(
            ApiToken, Permission.VIEW, pause, lambda _token: {}, condition=Q(revoked_at=None)
        )
    )
