"""Segments: the list, one of them with the first people in it, the form, and the count beside
it.
"""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.compose.audience import segments
from campaigns.compose.audience.segments import ConditionSet
from campaigns.compose.models import Campaign, ConditionKind, Segment
from campaigns.compose.pages.segment_forms import SegmentForm
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.contact_lists import find_dependants
from campaigns.contacts.models import ContactList
from campaigns.contacts.pages.tabs import tabs
from campaigns.shared.paging import page_of
from campaigns.team.access import current_user, get_object_for, has_role, role_required, visible_to
from campaigns.team.models import Role

ORDERS = {"name": "name", "people": "people", "changed": "updated_at"}
SHOWN = 50  # people of a segment


@require_safe
def segment_list(request: HttpRequest) -> HttpResponse:
    """Every segment, with its people as they were last counted and what uses it."""
    found = visible_to(current_user(request), Segment.objects.all())
    words = request.GET.get("q", "").strip()
    key = request.GET.get("sort", "name")
    column = ORDERS.get(key.lstrip("-"), "name")
    chosen = found.filter(name__icontains=words) if words else found
    page = page_of(request, chosen.order_by(f"-{column}" if key.startswith("-") else column, "pk"))
    rows = _with_uses(list(page.object_list))
    can_edit = has_role(current_user(request), Role.MARKETER)
    context = {
        "page": page,
        "rows": rows,
        "q": words,
        "sort": key,
        "tabs": tabs("segments"),
        "can_edit": can_edit,
    }
    return render(request, "campaigns/compose/segment_list.html", context)


def _with_uses(shown: Sequence[Segment]) -> list[tuple[Segment, int]]:
    """Each segment, and how many campaigns name it."""
    uses: dict[int, set[int]] = {segment.pk: set() for segment in shown}
    for through in (Campaign.segments.through, Campaign.exclude_segments.through):
        for segment, campaign in through._default_manager.filter(segment__in=uses).values_list(
            "segment", "campaign"
        ):
            uses[segment].add(campaign)
    return [(segment, len(uses[segment.pk])) for segment in shown]


@require_safe
def segment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a segment asks for, how many people that is now, some of them, and where it is used."""
    found = get_object_for(current_user(request), Segment.objects.all(), pk=pk)
    choice = ConditionSet.of(found)
    people = segments.first_contacts(choice, SHOWN)
    context = {
        "segment": found,
        "conditions": [segments.describe_condition(condition) for condition in choice.conditions],
        "number": segments.recount(found),
        "people": [(one, list(one.fields.items())[:3]) for one in people],
        "uses": _uses(found),
        "delete_words": _delete_words(found),
        "can_edit": has_role(current_user(request), Role.MARKETER),
    }
    return render(request, "campaigns/compose/segment_detail.html", context)


def _uses(segment: Segment) -> list[Campaign]:
    ids = [
        *Campaign.objects.filter(segments=segment).values_list("pk", flat=True)[:20],
        *Campaign.objects.filter(exclude_segments=segment).values_list("pk", flat=True)[:20],
    ]
    return list(Campaign.objects.filter(pk__in=ids))


def _delete_words(segment: Segment) -> str:
    names = [used.name for used in find_dependants(segment)]
    used = (
        _("Campaigns that name it: %(names)s.") % {"names": ", ".join(names[:5])} if names else ""
    )
    return f"{_('Nobody is deleted with it: a segment only describes people.')} {used}".strip()


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    """Describe people in a new segment."""
    return _form(request, Segment())


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a segment."""
    return _form(
        request, get_object_for(current_user(request), Segment.objects.all(), Role.MARKETER, pk=pk)
    )


def _form(request: HttpRequest, segment: Segment) -> HttpResponse:
    posted = request.method == "POST"
    form = SegmentForm(request.POST if posted else None, instance=segment)
    context = {
        "form": form,
        "condition_kinds": ConditionKind.choices,
        "has_lists": ContactList.objects.exists(),
    }
    if not posted:
        return render(request, "campaigns/compose/segment_form.html", context)
    if "add" in request.POST or "remove" in request.POST:
        form.reshape()
    elif "count" in request.POST:
        form.unjudged()
        context["count"] = _count(form)
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


@role_required(Role.MARKETER)
@require_POST
def segment_count(request: HttpRequest) -> HttpResponse:
    """A fragment: how many people the rows mean, as they stand."""
    return render(
        request,
        "campaigns/compose/_segment_count.html",
        {"count": _count(SegmentForm(request.POST))},
    )


def _count(form: SegmentForm) -> int | str:
    """How many people; "" while a row is not finished."""
    return segments.count_contacts(form.choice) if form.rows_are_valid() else ""


@role_required(Role.MARKETER)
@require_POST
def segment_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy to change."""
    found = get_object_for(current_user(request), Segment.objects.all(), Role.MARKETER, pk=pk)
    return redirect("segment-edit", segments.duplicate(found, current_user(request)).pk)


@role_required(Role.MARKETER)
@require_POST
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a segment, unless a campaign needs it still."""
    found = get_object_for(current_user(request), Segment.objects.all(), Role.MARKETER, pk=pk)
    try:
        segments.delete(found, current_user(request))
    except ContactsError as refused:
        messages.error(request, str(refused))
        return redirect(found)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": found.name})
    return redirect("segment-list")
