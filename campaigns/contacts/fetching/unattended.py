"""Imports that go on without a user, as whoever sent the file has said: a plan.

It is kept in the mapping of the import until its last step is made, something does not fit, or a
user acts. `advance` may be called at any time, as that of runs.py.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.contacts.fetching import matching
from campaigns.contacts.fetching.column_choices import (
    ColumnChoice,
    read_choices,
    read_consent,
)
from campaigns.contacts.importing import claims, lifecycle
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.lifecycle import UNATTENDED
from campaigns.contacts.importing.reading.cell_values import EVERY_RULE, CellRules
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice
from campaigns.contacts.models import Import, ImportState
from campaigns.shared.brands.scope import acting_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission


@dataclass(frozen=True, slots=True)
class Plan:
    """How an import goes on. `columns`: what they are used as; none: as proposed, new fields being
    texts. `existing`: "update" or "keep". `start`: also imported, unless more rows than
    `max_rejected_percent` would be rejected; else only checked, if `columns` or `consent` are
    given. `consent`: which ones are written.
    """

    columns: tuple[ColumnChoice, ...] = ()
    existing: str = "update"
    rules: CellRules = EVERY_RULE
    start: bool = False
    max_rejected_percent: int = 100
    consent: ConsentChoice | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": [column.as_json() for column in self.columns],
            "existing": self.existing,
            "rules": self.rules.as_json(),
            "start": self.start,
            "max_rejected_percent": self.max_rejected_percent,
            "consent": asdict(self.consent) if self.consent else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        return cls(
            tuple(map(ColumnChoice.from_json, data["columns"])),
            data["existing"],
            CellRules.from_json(data["rules"]),
            data["start"],
            data["max_rejected_percent"],
            ConsentChoice(**consent) if (consent := data.get("consent")) else None,
        )


def is_going_on(contact_import: Import) -> bool:
    """Whether the next step of an import is made without a user."""
    return UNATTENDED in contact_import.mapping


def set_plan(import_id: int, plan: Plan, country: str) -> None:
    """Have an opened or checked import go on as `plan` says. `country`: that of phones without a
    country code. Raises ContactsError for an import in another state.
    """
    with transaction.atomic():
        contact_import = Import.objects.select_for_update().get(pk=import_id)
        if contact_import.state not in lifecycle.CAN_CHOOSE_COLUMNS:
            raise ContactsError(_("The columns can be chosen before the import starts."))
        contact_import.mapping |= {"country": country, UNATTENDED: plan.as_json()}
        contact_import.state = ImportState.UPLOADED
        contact_import.checked, contact_import.failure = {}, ""
        contact_import.save(update_fields=["mapping", "state", "checked", "failure"])
    advance(import_id)


def advance_all() -> None:
    """Advance every import whose step has ended. For the sweep."""
    for import_id in _waiting().values_list("pk", flat=True):
        advance(import_id)


def advance(import_id: int) -> None:
    """Go on with an import after a step of it has ended; nothing for one without a plan."""
    contact_import = _waiting().select_related("list", "created_by").filter(pk=import_id).first()
    if contact_import is None:
        return
    with acting_for(contact_import.brand_id):
        try:
            _go_on(contact_import, Plan.from_json(contact_import.mapping[UNATTENDED]))
        except ContactsError as reason:
            _leave_to_users(contact_import, str(reason))


def _waiting() -> QuerySet[Import]:
    opened = Import.objects.filter(state__in=lifecycle.CAN_CHOOSE_COLUMNS)
    return opened.filter(mapping__has_key=UNATTENDED)


def _go_on(contact_import: Import, plan: Plan) -> None:
    if contact_import.failure:  # of the sheet, of the check, or of the start
        raise ContactsError(contact_import.failure)
    is_checked = contact_import.state == ImportState.CHECKED
    if not plan.start and (is_checked or not (plan.columns or plan.consent)):
        _leave_to_users(contact_import)
    elif is_checked:
        _start(contact_import, plan)
    else:
        _check(contact_import, plan)


def _check(contact_import: Import, plan: Plan) -> None:
    lifecycle.choose_columns(
        contact_import.pk,
        _columns(contact_import, plan),
        contact_import.mapping["country"],
        plan.existing,
        plan.rules,
        by_user=False,
    )
    lifecycle.start_check(contact_import.pk)


def _columns(contact_import: Import, plan: Plan) -> ColumnMapping:
    consent = read_consent(contact_import, plan.consent) if plan.consent else None
    if plan.columns:
        return replace(read_choices(contact_import, plan.columns), consent=consent)
    rows = lifecycle.read_rows(contact_import, Layout.from_json(contact_import.mapping))
    proposed = ColumnMapping.from_json(contact_import.mapping)
    typed = lifecycle.with_types_of_list(proposed, rows, contact_import)
    return replace(typed, consent=consent)


def _start(contact_import: Import, plan: Plan) -> None:
    user = contact_import.created_by
    if user is None or not has_permission(user, Permission.EDIT_CONTACTS):
        raise ContactsError(_("%(user)s may no longer import contacts.") % {"user": user or "–"})
    if reason := matching.refuse_counts(contact_import.checked, plan.max_rejected_percent, 0):
        raise ContactsError(reason)
    lifecycle.start(contact_import.pk, user)


def _leave_to_users(contact_import: Import, reason: str = "") -> None:
    """End the plan: whoever opens the import sees the reason and can go on. An import whose file
    could not be opened as it was to be fails.
    """
    mapping = {name: value for name, value in contact_import.mapping.items() if name != UNATTENDED}
    same = Import.objects.filter(pk=contact_import.pk, state=contact_import.state)
    if reason and "kind" not in mapping:
        claims.end_as_failed(same, reason)
    else:
        same.update(mapping=mapping, failure=reason[:300])
