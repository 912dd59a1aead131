"""Who may sign in: administrators invite users, change their roles, close and reopen accounts.

Nobody sets the password of somebody else. There is always an administrator who can sign in: of two
who close or demote each other at once, the first decides.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from campaigns.shared.brands.scope import MAIN, brand_of_new
from campaigns.shared.text import fold
from campaigns.team import audit, brands, handover, mail, roles
from campaigns.team.models import Brand, Role, User
from campaigns.team.permissions import Permission
from campaigns.team.sign_in.links import HOURS, link_for

T = TypeVar("T")
NOT_USABLE = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
HAS_ACCESS = ~NOT_USABLE | Q(last_login__isnull=False)


class Refused(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """The change is not allowed; the message says why."""


def can_be_mailed(member: User) -> bool:
    return bool(settings.SENDS_MAIL and member.email)


def invite(actor: User, member: User, request: HttpRequest) -> User:
    """Create the account `member`, which is not stored yet, and e-mail the invitation if possible.

    The user chooses the password with the link.
    """
    member.set_unusable_password()
    role, brand = Role(member.role), brand_of_new()
    with transaction.atomic():
        member.role = ""
        member.save()
        _write_roles(member, {MAIN if role == Role.ADMINISTRATOR else brand: role})
        member.save()
        audit.record(actor, member, "invited", f"as {role}")
        if can_be_mailed(member):
            _mail_invitation(actor, member, request)
    return member


def invite_again(actor: User, member_id: int, request: HttpRequest) -> str:
    """E-mail another link, or return one to hand over where that is not possible.

    Raises Refused if the user has chosen a password already.
    """

    def renew(member: User) -> str:
        if not member.is_invited or not member.is_active:
            raise Refused(_("This user has chosen a password already."))
        if can_be_mailed(member):
            _mail_invitation(actor, member, request)
            audit.record(actor, member, "invited again", "by e-mail")
            return ""
        audit.record(actor, member, "invited again", "with a link to hand over")
        return link_for(member, request)

    return change_member(actor, member_id, renew)


def change_role(actor: User, member_id: int, role: Role) -> None:
    """Give the user another role where there is one brand. See `change_roles`."""
    change_roles(actor, member_id, {MAIN: role})


def change_roles(actor: User, member_id: int, roles_wanted: Mapping[int, str]) -> None:
    """Give the user other roles, by brand; an administrator is one in all, by that of MAIN.

    Their sessions end. Raises Refused.
    """
    wanted = {brand: str(role) for brand, role in roles_wanted.items() if role}

    def change(member: User) -> None:
        is_administrator, before = wanted.get(MAIN) == Role.ADMINISTRATOR, brands.roles_of(member)
        if before == wanted and member.is_superuser == is_administrator:
            return
        if not is_administrator:
            _require_another_administrator(actor, member)
        _write_roles(member, wanted)
        _save_and_end_sessions(member)
        detail = f"{_named(before)} to {_named(wanted)}"
        audit.record(actor, member, "role changed", detail)

    change_member(actor, member_id, change)


def follow_groups(member_id: int, role: Role) -> None:
    """Give the user the role in the first brand that their groups at the OpenID Connect provider
    say. Their sessions end if it is another one. The last administrator who can sign in stays one.
    """
    with transaction.atomic():
        administrators = list(_administrators().select_for_update().order_by("pk"))
        member = User.objects.select_for_update().get(pk=member_id)
        is_administrator, before = role == Role.ADMINISTRATOR, brands.roles_of(member)
        wanted = before | {MAIN: str(role)}
        if before == wanted and member.is_superuser == is_administrator:
            return
        is_demoted = member in administrators and not is_administrator
        if is_demoted and not _is_another_administrator(member):
            audit.record(None, member, "role kept", f"the last administrator; by groups: {role}")
            return
        _write_roles(member, wanted)
        _save_and_end_sessions(member)
        detail = f"{_named(before)} to {_named(wanted)}, by groups"
        audit.record(None, member, "role changed", detail)


def _named(roles_by_brand: Mapping[int, str]) -> str:
    """Roles for the trail: without the brand where there is one alone, or one for all."""
    if not roles_by_brand.keys() - {MAIN}:
        return roles_by_brand.get(MAIN, "none")
    slugs = dict(Brand.objects.values_list("pk", "slug"))
    return ", ".join(f"{slugs[brand]}: {role}" for brand, role in sorted(roles_by_brand.items()))


def close(
    actor: User, member_id: int, takers: Mapping[int, int | None] = MappingProxyType({})
) -> None:
    """Close the account: nobody can sign in with it, and its sessions end. Raises Refused.

    `takers`: who takes over what runs in the user's name, as in `handover.hand_over`.
    """

    def change(member: User) -> None:
        if member.is_active:
            _require_another_administrator(actor, member)
            try:
                handover.hand_over(actor, member, takers)
            except handover.Undecided as reason:
                raise Refused(str(reason)) from reason
            member.is_active = False
            _save_and_end_sessions(member)
            audit.record(actor, member, "closed")

    change_member(actor, member_id, change)


def reopen(actor: User, member_id: int) -> None:
    """Reopen a closed account, with the password that it had."""

    def change(member: User) -> None:
        if not member.is_active:
            member.is_active = True
            _save_and_end_sessions(member)
            audit.record(actor, member, "reopened")

    change_member(actor, member_id, change)


def sign_out(actor: User, member_id: int) -> None:
    """End all sessions of the user."""

    def change(member: User) -> None:
        _save_and_end_sessions(member)
        audit.record(actor, member, "signed out everywhere")

    change_member(actor, member_id, change)


def change_account(member: User, changed: list[str]) -> None:
    """Store the fields `changed` of the user's own account. A former e-mail address is told."""
    before = User.objects.get(pk=member.pk).email
    with transaction.atomic():
        member.save(update_fields=changed)
        if "email" not in changed:
            audit.record(member, member, "edited", ", ".join(changed))
            return
        audit.record(member, member, "e-mail changed", ", ".join(changed))
        if before:
            body = render_to_string(
                "campaigns/team/sign_in/address_changed.txt", {"member": member}
            ).strip()
            mail.mail_to(before, _("Your e-mail address in ViberDash was changed"), body)


def change_member(actor: User, member_id: int, change: Callable[[User], T]) -> T:
    """Call `change` with the locked user, if `actor` is an administrator still.

    All administrators are locked before, always in the same order. Raises User.DoesNotExist.
    """
    with transaction.atomic():
        administrators = list(_administrators().select_for_update().order_by("pk"))
        if actor not in administrators:
            raise Refused(_("You are no longer an administrator."))
        return change(User.objects.select_for_update().get(pk=member_id))


def _administrators() -> QuerySet[User]:
    return roles.users_with_permission(Permission.MANAGE_TEAM)


def _require_another_administrator(actor: User, member: User) -> None:
    if member == actor:
        raise Refused(_("You can't change your own role or close your own account."))
    if fold(member.username) == fold(settings.BREAK_GLASS_USER):
        raise Refused(_("This account is kept for when nobody else can sign in."))
    if not _is_another_administrator(member):
        raise Refused(_("There has to be another administrator who can sign in."))


def _is_another_administrator(member: User) -> bool:
    return _administrators().filter(HAS_ACCESS).exclude(pk=member.pk).exists()


def _write_roles(member: User, roles_by_brand: Mapping[int, str]) -> None:
    """Set the roles of a stored user, who is saved after that."""
    brands.write_roles(member, roles_by_brand)
    member.is_staff = member.is_superuser = member.role == Role.ADMINISTRATOR


def _save_and_end_sessions(member: User) -> None:
    member.sign_in_version += 1  # of the locked row
    member.save(update_fields=["role", "is_staff", "is_superuser", "is_active", "sign_in_version"])


def _mail_invitation(actor: User, member: User, request: HttpRequest) -> None:
    context = {
        "actor": actor.get_full_name() or actor.get_username(),
        "member": member,
        "link": link_for(member, request),
        "hours": HOURS,
    }
    body = render_to_string("campaigns/team/sign_in/invitation.txt", context).strip()
    mail.mail_to(member.email, _("Your invitation to ViberDash"), body)
