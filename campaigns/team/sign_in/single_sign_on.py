"""Who may sign in with the OpenID Connect provider of OIDC_ISSUER, and as what.

A user of the provider is known by issuer and `sub` alone, never by an e-mail address or a name. The
first sign-in creates an account if a group says which role it has (OIDC_GROUPS), or links the
account of whoever began it at a link to choose a password. Such an account has no password: whom
the provider lets in no more does not come in another way.
"""

import re
from typing import Any

from allauth.account.utils import url_str_to_user_pk
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from campaigns.shared.text import fold
from campaigns.team import audit, mail
from campaigns.team.models import Role, User
from campaigns.team.sign_in import members
from campaigns.team.sign_in.factors import is_linked
from campaigns.team.sign_in.links import LinkTokens

Claims = dict[str, Any]
NOT_IN_NAMES = re.compile(r"[^\w.@+-]")
LONGEST_NAME = 140


class Refused(Exception):  # noqa: N818 - not a failure: the provider's user has no access here
    """Nobody signs in; the message says why."""


def is_break_glass(name: str) -> bool:
    """Whether `name` is that of the account that keeps its password, whatever the provider does."""
    return bool(settings.BREAK_GLASS_USER) and fold(name) == fold(settings.BREAK_GLASS_USER)


def takes_passwords(name: str) -> bool:
    """Whether the password of `name` is asked for at all."""
    return not settings.OIDC_ONLY or is_break_glass(name)


def is_user_id(sub: Any) -> bool:
    """Whether `sub` can name a user: a text without invisible characters that can be stored."""
    longest = SocialAccount._meta.get_field("uid").max_length
    return isinstance(sub, str) and 0 < len(sub) <= longest and sub.isprintable()


def role_of(claims: Claims) -> Role | None:
    """The highest role that a group of the user is mapped to."""
    named = claims.get(settings.OIDC_GROUPS_CLAIM)
    groups = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    mapped = [
        Role(settings.OIDC_GROUPS[group])
        for group in groups
        if isinstance(group, str) and group in settings.OIDC_GROUPS
    ]
    return max(mapped, key=list(Role).index, default=None)


def admit(account: SocialAccount, claims: Claims, link: list[str] | None) -> User:
    """The user who signs in with `account`, which is not stored at the first time.

    `link` is the id and the token of a link to choose a password. Raises Refused.
    """
    role = role_of(claims)
    if settings.OIDC_GROUPS and role is None:
        if account.pk:
            _shut_out(account.user)
        raise Refused(_("None of your groups may use ViberDash."))
    try:
        with transaction.atomic():
            user = account.user if account.pk else _first_time(account, claims, link, role)
    except IntegrityError:  # by another request at once
        raise Refused(_("This was begun twice. Sign in again.")) from None
    if role:
        members.follow_groups(user.pk, role)
    return User.objects.get(pk=user.pk)


def _first_time(
    account: SocialAccount, claims: Claims, link: list[str] | None, role: Role | None
) -> User:
    if link:
        user = _user_of_link(*link)
        action = "linked"
        User.objects.filter(pk=user.pk).update(
            has_short_password=False,
            must_change_password=False,
            sign_in_version=F("sign_in_version") + 1,
        )
    elif role:
        user = _new_user(claims, role)
        action = "created by groups"
    else:
        raise Refused(_("You have no account here. Ask an administrator for an invitation."))
    user.set_unusable_password()
    user.save(update_fields=["password"])
    account.user = user
    account.save()
    audit.record(user, user, action, f"with {settings.OIDC_NAME}")
    text = _("Your account %(name)s in ViberDash now signs in with %(provider)s.")
    body = text % {"name": user.username, "provider": settings.OIDC_NAME}
    mail.mail([user], _("You sign in to ViberDash with another account"), body)
    return user


def _user_of_link(uid: str, token: str) -> User:
    try:
        users = User.objects.select_for_update()
        user = users.filter(pk=url_str_to_user_pk(uid), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not LinkTokens().check_token(user, token):
        raise Refused(_("The link is not valid any more. Ask for another one."))
    if is_break_glass(user.username):
        raise Refused(_("This account keeps its password."))
    if is_linked(user):
        raise Refused(_("Another user signs in to this account already."))
    return user


def _new_user(claims: Claims, role: Role) -> User:
    is_administrator = role == Role.ADMINISTRATOR
    user = User(
        role=role,
        is_staff=is_administrator,
        is_superuser=is_administrator,
        username=_free_name(claims),
        first_name=_text(claims, "given_name")[:150],
        last_name=_text(claims, "family_name")[:150],
        email=_verified_email(claims),
    )
    user.save()
    return user


def _free_name(claims: Claims) -> str:
    wanted = _text(claims, "preferred_username") or _text(claims, "email").partition("@")[0]
    base = NOT_IN_NAMES.sub("", wanted)[:LONGEST_NAME] or "user"
    name, number = base, 1
    while is_break_glass(name) or User.objects.filter(username__folded_exact=name).exists():
        number += 1
        name = f"{base}-{number}"
    return name


def _verified_email(claims: Claims) -> str:
    email = _text(claims, "email")
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if claims.get("email_verified") is True and len(email) <= 254 else ""


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return "".join(filter(str.isprintable, value)) if isinstance(value, str) else ""


def _shut_out(user: User) -> None:
    """End the sessions of `user`, who is in no mapped group any more."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(sign_in_version=F("sign_in_version") + 1)
        audit.record(None, user, "sign-in refused", "in no group with a role")
