"""Second factors: who needs one, and what a changed one brings about.

A factor is an authenticator app (one-time codes) or a passkey. Recovery codes come with the first
one and go with the last: alone they are none. django-allauth keeps all of them and checks them.
"""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from campaigns.team import audit, mail
from campaigns.team.models import User
from campaigns.team.permissions import Permission, roles_with

CAN_APPROVE = frozenset(roles_with(Permission.APPROVE))
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_linked(user: User) -> bool:
    """Whether `user` signs in with the OpenID Connect provider, and so in no other way."""
    accounts = SocialAccount.objects.filter(user_id=user.pk, provider=settings.OIDC_ISSUER)
    return bool(settings.OIDC_ISSUER) and bool(accounts.exists())


def has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=KINDS).exists())


def kinds_of(user: User) -> set[str]:
    """The kinds of factors that `user` has, and of recovery codes."""
    return set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))


def is_required(user: User) -> bool:
    """Whether `user` may do nothing without a factor: everybody with REQUIRE_SECOND_FACTOR; who can
    approve, where messages can really go out. Not who signs in with OpenID Connect: that provider
    asks for one.
    """
    is_meant = bool(settings.REQUIRE_SECOND_FACTOR) or (
        not settings.IS_GATEWAY_HERE and _approves_somewhere(user)
    )
    return is_meant and not is_linked(user)


def _approves_somewhere(user: User) -> bool:
    """Whether `user` is an approver or administrator in any brand."""
    return user.is_superuser or not CAN_APPROVE.isdisjoint({user.role, *user.other_roles.values()})


def changed(request: HttpRequest, user: User, action: str, name: str = "") -> None:
    """Record what `user` changed, tell them by e-mail, and end their other sessions and links.

    Call it in the transaction of the change.
    """
    _after_change(user, user, action, name)
    user.refresh_from_db(fields=["sign_in_version"])
    update_session_auth_hash(request, user)  # this session goes on, under another key
    UserSession.objects.create_from_request(request)


@transaction.atomic
def reset(actor: User | None, user: User, how: str) -> bool:
    """Remove all factors of `user`, who lost them; their sessions end. False if there were none.

    `actor` is None for the operator of the server; `how` says in the trail who decided it.
    """
    if not has_factor(user):
        return False
    Authenticator.objects.filter(user_id=user.pk).delete()
    _after_change(actor, user, "second factor reset", how)
    return True


@transaction.atomic
def recovery_code_used(user: User) -> None:
    """Record it and tell the user: whoever found the codes could have used it."""
    _record_and_tell(user, user, "recovery code used", "")


def _after_change(actor: User | None, user: User, action: str, detail: str) -> None:
    User.objects.filter(pk=user.pk).update(sign_in_version=F("sign_in_version") + 1)
    _record_and_tell(actor, user, action, detail)


def _record_and_tell(actor: User | None, user: User, action: str, detail: str) -> None:
    audit.record(actor, user, action, detail)
    context = {"member": user, "action": action, "detail": detail}
    body = render_to_string("campaigns/team/sign_in/factor_changed.txt", context).strip()
    mail.mail([user], _("Your second factor in ViberDash"), body)
