"""What users may do, by role. Code asks for a permission, never for a role."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.team.models import Role


class Permission(models.TextChoices):
    """One thing that a user may do in a brand."""

    VIEW = "view", _("Read campaigns, results and spend")
    SEE_PHONES = "see_phones", _("See phones")
    EDIT_CONTACTS = "edit_contacts", _("Edit contacts, lists and segments, and import")
    EDIT_STOP_LIST = "edit_stop_list", _("Edit the stop list of the brand")
    COMPOSE = "compose", _("Write campaigns, templates, pictures and labels")
    SEND = "send", _("Launch, test, pause and cancel campaigns")
    SEND_EVENTS = "send_events", _("Send events to triggers")
    REPORT_CONVERSIONS = "report_conversions", _("Report conversions, such as orders of a shop")
    RECONCILE = "reconcile", _("Compare the ledger with the gateway")
    APPROVE = "approve", _("Approve campaigns above the approval limit")
    STOP_FOR_ALL = "stop_for_all", _("Edit what the stop list has for all brands")
    ERASE_CONTACTS = "erase_contacts", _("Erase contacts")
    MODERATE = "moderate", _("Change templates and notes of others")
    MANAGE_SENDERS = "manage_senders", _("Add and remove senders")
    MANAGE_LIMITS = "manage_limits", _("Set budgets, approval limits and the frequency cap")
    MANAGE_TEAM = "manage_team", _("Manage users and brands")
    CORRECT_LEDGER = "correct_ledger", _("Record fees and corrections")
    READ_AUDIT_TRAIL = "read_audit_trail", _("Read the audit trail")
    OPERATE = "operate", _("Run the installation: gateway, mail, retention, status")


P = Permission
_VIEWER = frozenset({P.VIEW})
_MARKETER = _VIEWER | {
    P.SEE_PHONES,
    P.EDIT_CONTACTS,
    P.EDIT_STOP_LIST,
    P.COMPOSE,
    P.SEND,
    P.SEND_EVENTS,
    P.REPORT_CONVERSIONS,
    P.RECONCILE,
}
PERMISSIONS = {
    Role.VIEWER: _VIEWER,
    Role.MARKETER: _MARKETER,
    Role.APPROVER: _MARKETER | {P.APPROVE},
    Role.ADMINISTRATOR: frozenset(Permission),
}


def roles_with(*permissions: Permission) -> list[Role]:
    """The roles that have all `permissions`."""
    return [role for role, own in PERMISSIONS.items() if own.issuperset(permissions)]
