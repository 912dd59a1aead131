"""Segments: the list, a segment with its first contacts, the form and its live count."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.compose.audience import segments
from campaigns.compose.audience.segments import ConditionSet
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library.segments import delete_segment
from campaigns.compose.models import Campaign, ConditionKind, Match, Segment
from campaigns.compose.pages.segment_forms import SegmentForm
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.field_types.shown_values import fields_for_reader
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import Contact
from campaigns.contacts.pages.tabs import tabs
from campaigns.shared.paging import page_of
from campaigns.shared.query_values import read_search
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.removal import describe_uses
from campaigns.team.roles import has_permission, visible_to

ORDERS = {"name": "name", "people": "people", "changed": "updated_at"}
CONTACTS_SHOWN = 50
FIELDS_SHOWN = 3


@require_safe
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments, each with its last count of contacts and its number of campaigns."""
    segment_rows = visible_to(current_user(request), Segment.objects.all())
    query = read_search(request.GET)
    key = request.GET.get("sort", "name")
    column = ORDERS.get(key.lstrip("-"), "name")
    if query:
        segment_rows = segment_rows.filter(name__folded_contains=query)
    page = page_of(
        request, segment_rows.order_by(f"-{column}" if key.startswith("-") else column, "pk")
    )
    rows = _with_campaign_counts(list(page.object_list))
    can_edit = has_permission(current_user(request), Permission.EDIT_CONTACTS)
    context = {
        "page": page,
        "rows": rows,
        "q": query,
        "sort": key,
        "tabs": tabs("segments"),
        "can_edit": can_edit,
    }
    return render(request, "campaigns/compose/segment_list.html", context)


def _with_campaign_counts(page: Sequence[Segment]) -> list[tuple[Segment, int]]:
    """Each segment with the number of campaigns that include or exclude it."""
    uses: dict[int, set[int]] = {segment.pk: set() for segment in page}
    for through in (Campaign.segments.through, Campaign.exclude_segments.through):
        for segment, campaign in through._default_manager.filter(segment__in=uses).values_list(
            "segment", "campaign"
        ):
            uses[segment].add(campaign)
    return [(segment, len(uses[segment.pk])) for segment in page]


@require_safe
def segment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The conditions of a segment, its contacts now, and the campaigns that use it."""
    segment = get_object_for(current_user(request), Segment.objects.all(), pk=pk)
    choice = ConditionSet.of(segment)
    contacts = segments.first_contacts(choice, CONTACTS_SHOWN)
    contact_count = segments.recount(segment)
    context = {
        "segment": segment,
        "conditions_title": _conditions_title(segment),
        "conditions": [segments.describe_condition(condition) for condition in choice.conditions],
        "contact_count": contact_count,
        "incomparable": segments.count_incomparable(choice),
        "contacts_title": _contacts_title(len(contacts), contact_count),
        "contacts": [(contact, _first_fields(contact)) for contact in contacts],
        "stopped": stop_list.stopped_among([contact.msisdn for contact in contacts]),
        "stopped_text": stop_list.stopped_text(segments.count_stopped(choice)),
        "uses": _uses(segment),
        "can_edit": has_permission(current_user(request), Permission.EDIT_CONTACTS),
    }
    return render(request, "campaigns/compose/segment_detail.html", context)


def _first_fields(contact: Contact) -> list[tuple[str, str]]:
    return list(fields_for_reader(contact.list, contact.fields).items())[:FIELDS_SHOWN]


def _uses(segment: Segment) -> list[Campaign]:
    ids = [
        *Campaign.objects.filter(segments=segment).values_list("pk", flat=True)[:20],
        *Campaign.objects.filter(exclude_segments=segment).values_list("pk", flat=True)[:20],
    ]
    return list(Campaign.objects.filter(pk__in=ids))


def _conditions_title(segment: Segment) -> str:
    if segment.match == Match.ANY:
        return _("Contacts who meet any of these conditions")
    return _("Contacts who meet all of these conditions")


def _contacts_title(shown: int, total: int) -> str:
    return _("First %(n)d contacts") % {"n": shown} if shown < total else _("Contacts")


@permission_required(Permission.EDIT_CONTACTS)
@require_safe
def segment_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions of a segment, for htmx."""
    segment = get_object_for(current_user(request), Segment.objects.all(), pk=pk)
    context = {
        "title": segment.name,
        "segment": segment,
        "uses": describe_uses(segment),
        "delete_text": _("No contacts are deleted: a segment only describes them."),
    }
    return render(request, "campaigns/compose/segment_menu.html", context)


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    """Create a segment."""
    return _form(request, Segment())


@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a segment."""
    return _form(
        request,
        get_object_for(
            current_user(request), Segment.objects.all(), Permission.EDIT_CONTACTS, pk=pk
        ),
    )


def _form(request: HttpRequest, segment: Segment) -> HttpResponse:
    posted = request.method == "POST"
    form = SegmentForm(request.POST if posted else None, instance=segment)
    context = {
        "form": form,
        "condition_kinds": ConditionKind.choices,
        "has_lists": choosable_lists().exists(),
    }
    if not posted:
        return render(request, "campaigns/compose/segment_form.html", context)
    if "add" in request.POST or "remove" in request.POST:
        form.reshape()
    elif "count" in request.POST:
        form.hide_errors()
        context |= _count(form)
    elif form.is_valid() & form.rows_are_valid():
        try:
            return redirect(
                segments.save(
                    form.save(commit=False), form.choice.conditions, current_user(request)
                )
            )
        except ContactsError as refused:
            messages.error(request, str(refused))
    status = 422 if form.is_bound and "then" in request.POST else 200
    return render(request, "campaigns/compose/segment_form.html", context, status=status)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def segment_count(request: HttpRequest) -> HttpResponse:
    """A fragment: the number of contacts that meet the unsaved conditions."""
    return render(
        request,
        "campaigns/compose/_segment_count.html",
        _count(SegmentForm(request.POST)),
    )


def _count(form: SegmentForm) -> dict[str, int | str]:
    """The number of contacts, and of those that could not be compared; "" while a condition is
    incomplete.
    """
    if not form.rows_are_valid():
        return {"count": ""}
    return {
        "count": segments.count_contacts(form.choice),
        "incomparable": segments.count_incomparable(form.choice),
        "stopped_text": stop_list.stopped_text(segments.count_stopped(form.choice)),
    }


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def segment_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a segment, and edit the copy."""
    segment = get_object_for(
        current_user(request), Segment.objects.all(), Permission.EDIT_CONTACTS, pk=pk
    )
    return redirect("segment-edit", segments.duplicate(segment, current_user(request)).pk)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a segment, unless a campaign still needs it."""
    segment = get_object_for(
        current_user(request), Segment.objects.all(), Permission.EDIT_CONTACTS, pk=pk
    )
    try:
        delete_segment(segment, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(segment)
    messages.success(request, _("“%(name)s” deleted.") % {"name": segment.name})
    return redirect("segment-list")
