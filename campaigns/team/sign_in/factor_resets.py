"""Removing the second factors of a user who lost them takes two administrators: one asks, another
one confirms within a day. Neither is that user.

Where there is no second administrator, `manage.py reset_factor` does it on the server.
"""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.team import audit, mail
from campaigns.team.models import FactorReset, User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, users_with_permission
from campaigns.team.sign_in import factors
from campaigns.team.sign_in.members import Refused, change_member

VALID = timedelta(hours=24)


def pending(user: User) -> FactorReset | None:
    """What was asked for `user` and waits for a second administrator."""
    asked = FactorReset.objects.filter(user=user, asked_at__gt=timezone.now() - VALID)
    return asked.select_related("asked_by").first()


def ask(actor: User, member_id: int) -> None:
    """Ask for the removal. The other administrators are told by e-mail. Raises Refused."""

    def note(member: User) -> None:
        _require_another_user(actor, member)
        if not factors.has_factor(member):
            raise Refused(_("This user has no second factor."))
        if pending(member):
            raise Refused(_("This was asked for already."))
        FactorReset.objects.update_or_create(
            user=member, defaults={"asked_by": actor, "asked_at": timezone.now()}
        )
        audit.record(actor, member, "second factor: reset asked for")
        others = users_with_permission(Permission.MANAGE_TEAM).exclude(pk__in=[actor.pk, member.pk])
        text = _("%(actor)s asks to reset the second factor of %(name)s. Confirm it here: %(link)s")
        link = mail.link(reverse("member", args=[member.pk]))
        body = text % {"actor": actor, "name": member, "link": link}
        mail.mail(others, _("A second factor is to be reset"), body)

    change_member(actor, member_id, note)


def confirm(actor: User, member_id: int) -> None:
    """Remove the factors, as another administrator asked. Raises Refused."""

    def remove(member: User) -> None:
        _require_another_user(actor, member)
        asked = pending(member)
        if asked is None or not has_permission(asked.asked_by, Permission.MANAGE_TEAM):
            raise Refused(_("Nobody asks for this any more."))
        if asked.asked_by == actor:
            raise Refused(_("Another administrator has to confirm this."))
        asked.delete()
        factors.reset(actor, member, f"asked for by {asked.asked_by}")

    change_member(actor, member_id, remove)


def withdraw(actor: User, member_id: int) -> None:
    """Drop what was asked."""

    def drop(member: User) -> None:
        if FactorReset.objects.filter(user=member).delete()[0]:
            audit.record(actor, member, "second factor: reset withdrawn")

    change_member(actor, member_id, drop)


def _require_another_user(actor: User, member: User) -> None:
    if actor == member:
        raise Refused(_("Other administrators have to decide this."))
