"""The page of the phones that are proposed for the stop list."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.contacts.lists.models import StopProposal
from campaigns.contacts.pages.tabs import tabs
from campaigns.dispatch.pages.forms import form_helper
from campaigns.results.stop_proposals import decisions
from campaigns.shared.brands.scope import brand_of_new
from campaigns.shared.paging import slice_of
from campaigns.shared.query_values import read_ids
from campaigns.team.models import Brand
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.templatetags.viberdash import number

DECISIONS = {"stop": decisions.accept, "dismiss": decisions.dismiss}
COUNTED_MAX = 2_000  # each is compared with the messages to its phone
ALL = "-all"  # end of a decision on all proposals, those on other pages of the table too


class ProposedAfterForm(forms.Form):
    """After how many failures in a row a brand proposes a phone."""

    failures = forms.IntegerField(
        label=gettext_lazy("Failed messages in a row"),
        min_value=decisions.NEVER,
        max_value=decisions.AFTER_MAX,
        help_text=gettext_lazy("After so many, a phone is proposed. 0: never."),
    )

    def __init__(self, data: Any, brand: Brand) -> None:
        super().__init__(data, initial={"failures": brand.stop_proposed_after})
        self.helper = form_helper(gettext_lazy("Save"), "failures")
        self.helper.form_action = "stop-proposals-setting"


@once
@permission_required(Permission.EDIT_STOP_LIST)
@require_http_methods(["GET", "HEAD", "POST"])
def stop_proposals(request: HttpRequest) -> HttpResponse:
    """Show the proposals; put some or all of the phones on the stop list, or dismiss them."""
    if request.method == "POST":
        _decide(request)
        return redirect("stop-proposals")
    return _page(request, ProposedAfterForm(None, _brand()))


@permission_required(Permission.MANAGE_LIMITS)
@require_POST
def stop_proposals_setting(request: HttpRequest) -> HttpResponse:
    """Set after how many failures in a row a phone is proposed."""
    brand = _brand()
    form = ProposedAfterForm(request.POST, brand)
    if not form.is_valid():
        return _page(request, form, status=422)
    decisions.set_proposed_after(current_user(request), brand, form.cleaned_data["failures"])
    messages.success(request, _("Saved."))
    return redirect("stop-proposals")


def _brand() -> Brand:
    return Brand.objects.get(pk=brand_of_new())


def _page(request: HttpRequest, form: ProposedAfterForm, status: int = 200) -> HttpResponse:
    user, now = current_user(request), timezone.now()
    rows = slice_of(request, decisions.valid_proposals().select_related("campaign"), "-id")
    context = {
        "slice": rows,
        "rows": [(row, decisions.reason_text(row)) for row in rows],
        "count": _count_text(now) if rows else "",
        "seen_until": now.isoformat(),
        "after": _brand().stop_proposed_after,
        "tabs": tabs("stop"),
        "form": form,
        "can_set": has_permission(user, Permission.MANAGE_LIMITS),
    }
    return render(request, "campaigns/results/stop_proposals.html", context, status=status)


def _count_text(now: datetime) -> str:
    """How many proposals there are, for the buttons that decide on all; "" where counting takes
    long.
    """
    count = decisions.seen(now)[: COUNTED_MAX + 1].count()
    return number(count) if count <= COUNTED_MAX else ""


def _decide(request: HttpRequest) -> None:
    decision = request.POST.get("decision", "")
    name = decision.removesuffix(ALL)
    if name not in DECISIONS:
        return
    chosen = _all_seen(request) if decision.endswith(ALL) else _selected(request)
    count = DECISIONS[name](chosen, current_user(request))
    if not count:
        messages.warning(request, _("Select at least one phone that is still proposed."))
    elif name == "stop":
        text = ngettext(
            "%(count)s phone added to the stop list.",
            "%(count)s phones added to the stop list.",
            count,
        )
        messages.success(request, text % {"count": number(count)})
    else:
        text = ngettext("%(count)s proposal dismissed.", "%(count)s proposals dismissed.", count)
        messages.success(request, text % {"count": number(count)})


def _selected(request: HttpRequest) -> QuerySet[StopProposal]:
    return decisions.valid_proposals().filter(pk__in=read_ids(request.POST.getlist("proposal")))


def _all_seen(request: HttpRequest) -> QuerySet[StopProposal]:
    """All that were there when the page was opened."""
    try:
        until = parse_datetime(request.POST.get("seen_until", ""))
    except ValueError:
        until = None
    if until is None or timezone.is_naive(until):
        return StopProposal.objects.none()
    return decisions.seen(until)
