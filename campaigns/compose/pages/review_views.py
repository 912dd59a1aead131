"""The review, and the launch."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.compose.audience.selection import Audience, audience_sources
from campaigns.compose.editor.draft_metrics import draft_metrics
from campaigns.compose.editor.rehearsal import go_live, rehearse
from campaigns.compose.editor.test_send import phones_in, remembered, send_tests, variants
from campaigns.compose.launch import approval, lifecycle
from campaigns.compose.launch.confirmation import LaunchConfirmationForm, launch_confirmation
from campaigns.compose.launch.lifecycle import CAN_APPROVE, CAN_EDIT, CAN_LAUNCH, Refused
from campaigns.compose.message.preview import FIRST, build_preview, find_recipient
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, TestGroup
from campaigns.compose.pages.draft_request import clocks, draft_of
from campaigns.compose.pricing.quote import quote_sample
from campaigns.compose.pricing.similar_campaigns import find_similar_campaigns
from campaigns.ledger.models import Purpose
from campaigns.shared.durations import duration
from campaigns.team.access import current_user, get_object_for
from campaigns.team.models import Role


@require_safe
def campaign_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that will happen, on one page, before it does."""
    campaign = draft_of(request, pk)
    if campaign.state not in CAN_EDIT | CAN_APPROVE:
        return redirect(campaign)
    return _review(request, campaign)


def _review(
    request: HttpRequest,
    campaign: Campaign,
    confirm: LaunchConfirmationForm | None = None,
    test_wrong: str = "",
) -> HttpResponse:
    """The page; with what was typed to confirm the launch, or to send a test, where something in it
    was not right.
    """
    user, gate = current_user(request), approval.check_approval(campaign)
    audience = Audience.of(campaign)
    found = draft_metrics(campaign, audience, refresh="refresh" in request.GET)
    person = find_recipient(audience, compile_message(campaign)) if audience else None
    return render(
        request,
        "campaigns/compose/review.html",
        {
            "campaign": campaign,
            "figures": found,
            "precedents": find_similar_campaigns(campaign, audience, found.funnel.recipients),
            "confirm": confirm or LaunchConfirmationForm(found.funnel.recipients, found.estimate),
            "preview": build_preview(campaign, person),
            "quoted": quote_sample(campaign)
            if "quote" in request.GET and not found.problems
            else None,
            "test": request.POST if test_wrong else {"phones": remembered(user)},
            "test_wrong": test_wrong,
            "whose_choices": variants(audience, compile_message(campaign)),
            "test_groups": TestGroup.objects.all(),
            "validity": duration(campaign.validity),
            "chosen": audience_sources(campaign),
            "left_out": audience_sources(campaign, excluded=True),
            **clocks(campaign, audience),
            "gate": gate,
            "rehearsals": campaign.rehearsals.all()[:5],
            "awaiting": campaign.state in CAN_APPROVE,
            "can_approve": approval.may_approve(campaign, user),
            "changed": gate is not approval.NOT_NEEDED
            and gate.fingerprint != campaign.approval_fingerprint,
        },
        status=422 if confirm or test_wrong else 200,
    )


@require_POST
def campaign_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the draft to a few own numbers."""
    campaign = draft_of(request, pk)
    phones = phones_in(request.POST.get("phones", ""))
    chosen = request.POST.get("group", "")
    if chosen.isascii() and chosen.isdigit() and len(chosen) <= 18:
        phones = get_object_for(current_user(request), TestGroup.objects.all(), pk=chosen).phones
    try:
        tests = send_tests(
            campaign, phones, current_user(request), request.POST.get("whose", FIRST)
        )
    except Refused as refused:
        if campaign.state in CAN_EDIT:
            return _review(request, campaign, test_wrong=str(refused))
        messages.error(request, str(refused))
        return redirect(campaign)
    words = ngettext(
        "The test is on its way to %(n)d phone. “%(name)s” is still a draft.",
        "The test is on its way to %(n)d phones. “%(name)s” is still a draft.",
        len(phones),
    )
    messages.success(request, words % {"n": len(phones), "name": campaign.name})
    return redirect(tests[0])


@require_POST
def campaign_rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the draft whole to its real audience, without anything leaving the house."""
    try:
        rehearsal = rehearse(draft_of(request, pk), current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-review", pk)
    messages.success(request, _("The rehearsal is running. Nobody gets anything."))
    return redirect(rehearsal)


@require_POST
def rehearsal_live(request: HttpRequest, pk: int) -> HttpResponse:
    """Launch for real what was rehearsed, as it was rehearsed and to as many people."""
    found = Campaign.objects.select_related("rehearsal_of")
    rehearsal = get_object_for(
        current_user(request), found, Role.MARKETER, pk=pk, purpose=Purpose.REHEARSAL
    )
    try:
        campaign = go_live(rehearsal, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(rehearsal)
    messages.success(request, _launched(campaign))
    return redirect(campaign)


@require_POST
def campaign_launch(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the draft on its way, if what was typed is how many people will get it and what that
    costs at most.
    """
    campaign = draft_of(request, pk)
    confirm = launch_confirmation(campaign, request.POST)
    # of nobody there is no launch, whatever moves meanwhile
    confirmed = confirm.people if confirm.is_valid() else 0
    if campaign.state in CAN_LAUNCH and confirm.people and not confirmed:
        return _review(request, campaign, confirm)
    try:
        lifecycle.launch(campaign.pk, current_user(request), confirmed)
    except Refused as refused:
        messages.error(request, str(refused))
        campaign.refresh_from_db(fields=["state"])
        return redirect("campaign-review", pk) if campaign.state in CAN_EDIT else redirect(campaign)
    messages.success(request, _launched(campaign))
    return redirect(campaign)


def _launched(campaign: Campaign) -> str:
    campaign.refresh_from_db(fields=["state"])
    words = _("“%(name)s” is on its way.")
    if campaign.state in CAN_APPROVE:
        words = _("“%(name)s” waits for a second person's approval, and goes out once it has it.")
    return words % {"name": campaign.name}
