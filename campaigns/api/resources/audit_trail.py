"""The audit trail: who did what, when and from where."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, SliceQuery, slice_page
from campaigns.api.schemas import CSV_FILE, NO_NUL
from campaigns.shared.paging import read_slice
from campaigns.team import audit
from campaigns.team.audit.exports import FILE_NAME, audit_table
from campaigns.team.models import AuditEntry, AuditResult
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.audit.search_forms import SearchForm
from campaigns.team.pages.audit.search_views import TRAIL
from campaigns.team.permissions import Permission

router = Router(tags=["Audit trail"])
READ = Needs(Permission.READ_AUDIT_TRAIL)
Exact = Annotated[str, StringConstraints(max_length=40, pattern=NO_NUL)]


class EntryFilter(Schema):
    """What the page filters by."""

    since: Annotated[date | None, Field(description="In the time zone of the owner.")] = None
    until: Annotated[date | None, Field(description="The last day.")] = None
    who: Annotated[
        str,
        Field(
            pattern="^([0-9]{1,18}|command|system|visitor)?$",
            description="The id of a user, or entries without one: command, system, visitor.",
        ),
    ] = ""
    action: Annotated[Exact, Field(description="Such as `exported`.")] = ""
    object: Annotated[Exact, Field(description="Such as `campaign:12`.")] = ""
    address: Annotated[Exact, Field(description="The IP address of the client.")] = ""
    result: AuditResult | None = None


class AuditQuery(EntryFilter, SliceQuery):
    cursor: Annotated[
        str,
        Field(
            pattern=r"^(20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15}\+00:00\.[0-9]{1,18})?$",
            description="Where the page begins: `next_cursor` of the page before.",
        ),
    ] = ""


class AuditEntryOut(Schema):
    """An entry. What describes the actor is what it was at that time."""

    id: int
    at: datetime
    user_id: int | None
    who: str
    kind: Annotated[str, Field(description="user, token, command, system or visitor")]
    role: str
    brand_id: Annotated[int | None, Field(description="Where there are several.")]
    address: str
    session: Annotated[str, Field(description="What tells sessions apart; of a token: its start.")]
    object: str
    action: str
    detail: str
    result: AuditResult
    reason: Annotated[str, Field(description="Of a refusal.")]


class AuditPage(Page[AuditEntryOut]):
    pass


@router.get("audit-trail", summary="List entries of the audit trail", response=AuditPage, auth=READ)
def list_audit_entries(request: HttpRequest, query: Query[AuditQuery]) -> Any:
    """The entries that match, the newest first. That they were read is recorded, as on the page."""
    form = _search(query)
    rows = read_slice(form.entries(), "-at", query.at, query.limit)
    audit.record_rarely(actor(request), TRAIL, "read", ", ".join(form.used()))
    return slice_page(request, rows, _entry_out)


@router.get(
    "audit-trail.csv",
    summary="Export entries of the audit trail",
    auth=READ,
    openapi_extra=CSV_FILE,
)
def export_audit_entries(request: HttpRequest, query: Query[EntryFilter]) -> Any:
    """The entries that match as CSV, the oldest first: the file of the page."""
    table = audit_table(_search(query).entries())
    return download(request, "csv", FILE_NAME, table, TRAIL)


def _search(query: EntryFilter) -> SearchForm:
    """The form of the page with the filters of a request. Raises Problem."""
    form = SearchForm(posted({name: getattr(query, name) for name in EntryFilter.model_fields}))
    require_valid(form)
    return form


def _entry_out(entry: AuditEntry) -> AuditEntryOut:
    same = ("at", "who", "kind", "role", "address", "session", "action", "detail", "reason")
    return AuditEntryOut(
        **{name: getattr(entry, name) for name in same},
        id=entry.pk,
        user_id=entry.actor_id,
        brand_id=entry.brand,
        object=entry.subject,
        result=AuditResult(entry.result),
    )
