"""The review page, and what it starts: test send, rehearsal and launch."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.compose.audience.frequency_cap import cap_text
from campaigns.compose.audience.selection import Audience, audience_sources
from campaigns.compose.editor.card_summaries import variant_rule
from campaigns.compose.editor.draft_metrics import draft_metrics
from campaigns.compose.editor.rehearsal import go_live, rehearse
from campaigns.compose.editor.test_send import (
    each_once,
    phones_in,
    remembered,
    sample_recipients,
    send_tests,
)
from campaigns.compose.launch import approval, lifecycle
from campaigns.compose.launch.confirmation import counted_again_message
from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.launch.lifecycle import CAN_APPROVE, CAN_EDIT, CAN_LAUNCH, Refused
from campaigns.compose.launch.local_start import set_local_start
from campaigns.compose.launch.reachable import start_refusal
from campaigns.compose.message.audience_counts import is_overdue, measure_soon
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.variants import as_variant
from campaigns.compose.models import Campaign, CampaignState, TestGroup, Timing
from campaigns.compose.pages.draft_request import (
    draft_of,
    local_times_context,
    other_phones,
    phone_context,
)
from campaigns.compose.pages.launch_forms import LaunchConfirmationForm, launch_confirmation
from campaigns.compose.preview.message_preview import FIRST, find_recipient
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.quote import quote_sample
from campaigns.compose.pricing.similar_campaigns import find_similar_campaigns
from campaigns.contacts.models import Contact
from campaigns.ledger.models import Purpose
from campaigns.shared.figures.durations import duration
from campaigns.shared.query_values import read_id, read_text
from campaigns.team import accounts
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

COUNTED = "counted"  # in the address: the page has just waited for the count


@require_safe
def campaign_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Audience, delivery, cost and warnings of a campaign, before it is launched or approved."""
    campaign = draft_of(request, pk)
    if campaign.state not in CAN_EDIT | CAN_APPROVE:
        return redirect(campaign)
    return review_page(request, campaign)


def review_page(
    request: HttpRequest,
    campaign: Campaign,
    confirmation: LaunchConfirmationForm | None = None,
    test_error: str = "",
) -> HttpResponse:
    """The review page; with the errors of a `confirmation`, or of a test send."""
    user, audience = current_user(request), Audience.of(campaign)
    measured = measure_soon(audience, compile_message(campaign), polled=COUNTED in request.GET)
    if measured is None:
        return _counting(request, campaign)
    set_local_start(campaign, audience, measured.countries)
    metrics = draft_metrics(campaign, measured, refresh="refresh" in request.GET)
    funnel, cost = metrics.funnel, metrics.estimate
    first = find_recipient(audience, measured.template, measured=measured)
    wants_quote = "quote" in request.GET and not metrics.problems
    context = {
        "campaign": campaign,
        "key_refusal": start_refusal(campaign, accounts.cached()),
        "metrics": metrics,
        "audience_fingerprint": measured.fingerprint,
        "similar_campaigns": find_similar_campaigns(campaign, audience, funnel.recipients),
        "confirmation": confirmation or LaunchConfirmationForm(funnel.recipients, cost),
        "cost_is_incomplete": cost.is_incomplete,
        "quote": quote_sample(campaign) if wants_quote else None,
        "validity": duration(campaign.validity),
        "included": audience_sources(campaign),
        "excluded": audience_sources(campaign, excluded=True),
        "budget_currency": campaign.budget_currency
        or price_list.single_currency(campaign.tariff, with_sms=bool(campaign.sms_text)),
        "rehearsals": campaign.rehearsals.filter(purpose=Purpose.REHEARSAL)[:5],
        **local_times_context(campaign, measured.countries),
        **_cap_context(campaign, user),
        **_start_context(campaign),
        **_approval_context(campaign, user, measured),
        **_test_context(request, measured, test_error),
        **_variants_context(campaign, first),
    }
    status = 422 if confirmation or test_error else 200
    return render(request, "campaigns/compose/review.html", context, status=status)


def _variants_context(campaign: Campaign, first: Contact | None) -> dict[str, Any]:
    """The message to the `first` recipient, and what they would get as another variant."""
    return {
        **phone_context(campaign, first),
        "variants": other_phones(campaign, first),
        "variant_rule": variant_rule(campaign),
    }


def _counting(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page while a worker counts the audience; `review_counting` fills it."""
    audience, template = Audience.of(campaign), compile_message(campaign)
    context = {"campaign": campaign, "is_overdue": is_overdue(audience, template)}
    return render(request, "campaigns/compose/review_counting.html", context)


@require_safe
def review_counting(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment: that the audience is still being counted; once it is, leads to the review."""
    campaign = draft_of(request, pk, Permission.SEND)
    audience, template = Audience.of(campaign), compile_message(campaign)
    if measure_soon(audience, template, polled=True):
        address = f"{reverse('campaign-review', args=[pk])}?{COUNTED}"
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    context = {"campaign": campaign, "is_overdue": is_overdue(audience, template)}
    return render(request, "campaigns/compose/_review_counting.html", context)


def _cap_context(campaign: Campaign, user: User) -> dict[str, Any]:
    """The frequency cap in words, and whether `user` may change it here."""
    may = campaign.state in CAN_EDIT and has_permission(user, Permission.MANAGE_LIMITS)
    return {"cap_text": cap_text(campaign), "can_change_cap": may}


def _start_context(campaign: Campaign) -> dict[str, Any]:
    """When the campaign starts: `start_text` for now and for local times, else `starts_at`."""
    context: dict[str, Any] = {"start_text": "", "starts_at": None}
    if local := campaign.local_time:
        text = _("%(time)s in the recipient's local time")
        context["start_text"] = text % {"time": date_format(local, "j M Y, H:i")}
    elif campaign.timing == Timing.AFTER:
        context["start_text"] = when_text(campaign)
    elif campaign.timing != Timing.NOW:
        context["starts_at"] = campaign.scheduled_at
    elif campaign.sending_hours is None:
        context["start_text"] = _("immediately")
    else:
        text = _("immediately, within the sending hours %(hours)s in the recipient's local time")
        context["start_text"] = text % {"hours": campaign.sending_hours}
    return context


def _approval_context(campaign: Campaign, user: User, measured: MeasuredAudience) -> dict[str, Any]:
    """Whether approval is needed, whether `user` may give it, and what the launch button says."""
    check = approval.check_approval(campaign, measured, user)
    awaiting = campaign.state in CAN_APPROVE
    return {
        "approval": check,
        "awaiting": awaiting,
        "back_url": reverse("campaign-detail" if awaiting else "campaign-edit", args=[campaign.pk]),
        "can_approve": approval.may_approve(campaign, user),
        "changed_since_request": approval.is_void(campaign, check),
        "launch_label": _launch_label(campaign, check.needed),
    }


def _launch_label(campaign: Campaign, needs_approval: bool) -> str:
    if needs_approval:
        return _("Request approval")
    return _("Send now") if campaign.timing == Timing.NOW else _("Schedule")


def _test_context(request: HttpRequest, measured: MeasuredAudience, error: str) -> dict[str, Any]:
    """The form of a test send, filled in as posted or with the phones of the last test."""
    last_phones = remembered(current_user(request))
    return {
        "test_values": request.POST if error else {"phones": last_phones},
        "test_error": error,
        "test_groups": TestGroup.objects.all(),
        "recipient_choices": sample_recipients(measured.audience, measured.template),
        "variant_letters": ["A", *measured.template.variants] if measured.template.variants else [],
    }


@once
@require_POST
def campaign_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test to the phones typed, or to a test group."""
    campaign = draft_of(request, pk, Permission.SEND)
    message = as_variant(campaign, read_text(request.POST, "variant"))
    phones = phones_in(read_text(request.POST, "phones"))
    if (chosen := read_id(request.POST.get("group", ""))) is not None:
        group = get_object_for(current_user(request), TestGroup.objects.all(), pk=chosen)
        phones = each_once(group.phones)
    try:
        tests = send_tests(
            message, phones, current_user(request), request.POST.get("recipient", FIRST)
        )
    except Refused as refused:
        if campaign.state in CAN_EDIT:
            return review_page(request, campaign, test_error=str(refused))
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(request, _test_message(campaign, tests, len(phones)))
    if campaign.state in CAN_EDIT:
        return redirect(f"{reverse('campaign-review', args=[pk])}#test")
    return redirect(tests[0])


def _test_message(campaign: Campaign, tests: Sequence[Campaign], phones: int) -> str:
    """That the tests are sent, or that one of them waits for approval."""
    ids = [test.pk for test in tests]
    if Campaign.objects.filter(pk__in=ids, state__in=CAN_APPROVE).exists():
        return _(
            "With what you launched today without approval, this test goes above the approval"
            " limit. It is sent once a second person approves it."
        )
    message = ngettext(
        "Test sent to %(n)d phone. “%(name)s” is still a draft.",
        "Test sent to %(n)d phones. “%(name)s” is still a draft.",
        phones,
    )
    return message % {"n": phones, "name": campaign.name}


@once
@require_POST
def campaign_rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Simulate the campaign with its real audience; nothing is sent."""
    try:
        rehearsal = rehearse(draft_of(request, pk, Permission.SEND), current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-review", pk)
    messages.success(request, _("Rehearsal started. Nothing is sent."))
    return redirect(rehearsal)


@once
@require_POST
def rehearsal_live(request: HttpRequest, pk: int) -> HttpResponse:
    """Launch the campaign that was rehearsed, if it has not changed since."""
    campaigns = Campaign.objects.select_related("rehearsal_of")
    rehearsal = get_object_for(
        current_user(request), campaigns, Permission.SEND, pk=pk, purpose=Purpose.REHEARSAL
    )
    user, draft = current_user(request), rehearsal.rehearsal_of
    require_fresh(
        request, lambda: bool(draft and approval.check_approval(draft, launcher=user).needed)
    )
    try:
        campaign = go_live(rehearsal, user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(rehearsal)
    messages.success(request, _launched_message(campaign))
    return redirect(campaign)


@once
@require_POST
def campaign_launch(request: HttpRequest, pk: int) -> HttpResponse:
    """Launch the draft, if the typed number of recipients and maximum cost are right."""
    campaign = draft_of(request, pk, Permission.SEND)
    measured = measure_soon(Audience.of(campaign), compile_message(campaign))
    if measured is None:
        messages.warning(request, counted_again_message())
        return redirect("campaign-review", pk)
    confirmation = launch_confirmation(campaign, measured, request.POST)
    # An unconfirmed launch goes on with 0, which `launch` refuses whatever the audience is by then.
    confirmed = confirmation.recipients if confirmation.is_valid() else 0
    if campaign.state in CAN_LAUNCH and confirmation.recipients and not confirmed:
        return review_page(request, campaign, confirmation)
    user = current_user(request)
    require_fresh(request, lambda: approval.check_approval(campaign, measured, user).needed)
    try:
        fingerprint = request.POST.get("audience", "")
        lifecycle.launch(campaign.pk, user, confirmed, fingerprint)
    except Refused as refused:
        messages.error(request, str(refused))
        campaign.refresh_from_db(fields=["state"])
        return redirect("campaign-review", pk) if campaign.state in CAN_EDIT else redirect(campaign)
    messages.success(request, _launched_message(campaign))
    return redirect(campaign)


def _launched_message(campaign: Campaign) -> str:
    campaign.refresh_from_db(fields=["state"])
    if campaign.state in CAN_APPROVE:
        message = _(
            "Approval requested for “%(name)s”. It goes out once a second person approves it."
        )
    elif campaign.state == CampaignState.SCHEDULED:
        message = _("“%(name)s” is scheduled.")
    else:
        message = _("Sending of “%(name)s” started.")
    return message % {"name": campaign.name}
