"""The page where administrators add fees and corrections."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.ledger.models import Channel
from campaigns.results.money import corrections
from campaigns.results.pages.forms import CorrectionForm, FeeForm
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


@once
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.CORRECT_LEDGER)
def fees_and_corrections(request: HttpRequest) -> HttpResponse:
    """Show both forms with the entries so far; add an entry."""
    is_fee = "sender" in request.POST
    fee = FeeForm(request.POST if is_fee else None)
    correction = CorrectionForm(request.POST if request.POST and not is_fee else None)
    posted = fee if is_fee else correction
    if request.method == "POST" and posted.is_valid() and _enter(request, posted):
        return redirect("corrections")
    context = {"fee": fee, "correction": correction, "entries": corrections.manual_entries()}
    return render(
        request,
        "campaigns/results/corrections.html",
        context,
        status=422 if posted.is_bound else 200,
    )


def _enter(request: HttpRequest, form: FeeForm | CorrectionForm) -> bool:
    is_correction = isinstance(form, CorrectionForm)
    try:
        (_enter_correction if is_correction else _enter_fee)(request, form.cleaned_data)
    except corrections.CorrectionRefused as refusal:
        form.add_error("campaign" if is_correction else "month", str(refusal))
        return False
    return True


def _enter_correction(request: HttpRequest, fields: dict[str, Any]) -> None:
    user, channel = current_user(request), Channel(fields["channel"])
    corrections.enter_correction(
        user, channel, fields["campaign"], fields["amount"], fields["currency"], fields["note"]
    )
    messages.success(request, _("The correction was added to the ledger."))


def _enter_fee(request: HttpRequest, fields: dict[str, Any]) -> None:
    corrections.enter_fee(
        current_user(request),
        fields["sender"],
        fields["month"],
        fields["amount"],
        fields["currency"],
    )
    messages.success(request, _("The fee was added to the ledger."))
