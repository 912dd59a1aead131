"""Pages of a draft: write it, go on with it, copy it, delete it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import AUDIENCE, FIELDS
from campaigns.compose.editor import drafts
from campaigns.compose.editor.card_summaries import card_summaries, script_messages
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.message import links
from campaigns.compose.models import (
    Campaign,
    CampaignTemplate,
    Picture,
    RecipientOutcome,
    Segment,
    Sender,
)
from campaigns.compose.pages.draft_request import clocks, draft_of, form_of, phone
from campaigns.contacts.models import ContactList
from campaigns.team.access import current_user, role_required, visible_to
from campaigns.team.models import Role


def _composer(
    request: HttpRequest, form: CampaignForm, status: int = 200, **more: Any
) -> HttpResponse:
    campaign, audience = _shown(form)
    context = {
        "form": form,
        "campaign": form.campaign,
        "senders": visible_to(current_user(request), Sender.objects.all()),
        "pictures": visible_to(current_user(request), Picture.objects.all())[:24],
        "started_from": f"?template={form.made_from.pk}"
        if form.made_from and not form.campaign
        else "",
        "utm_fields": [form[name] for name in links.UTM_NAMES],
        "has_utm": any(form[name].value() for name in links.UTM_NAMES),
        "has_templates": CampaignTemplate.objects.exists(),
        "has_lists": ContactList.objects.exists(),
        "earlier": form.earlier_rows(),
        "leaves_out": any(
            form[name].value() or form[name].errors
            for name in AUDIENCE
            if name.startswith("exclude")
        ),
        "outcomes": RecipientOutcome.choices,
        "chosen": Picture.objects.filter(file=str(campaign.image)).first()
        if campaign.image
        else None,
        "chosen_name": str(campaign.image or ""),
        "words": script_messages(),
        "lines": card_summaries(campaign, audience),
        "open_cards": _open_cards(form, campaign, audience),
        **phone(campaign, audience, request),
        **clocks(campaign, audience),
        **more,
    }
    return render(request, "campaigns/compose/composer.html", context, status=status)


def _open_cards(form: CampaignForm, campaign: Campaign, audience: Audience) -> set[str]:
    """The cards that are not folded at first: those with something to mend, and the audience until
    it is chosen.
    """
    wrong = {field.card.value for field in FIELDS if field.name in form.errors}
    return wrong | (set() if audience else {"audience"}) | ({"sms"} if campaign.sms_text else set())


def _is_id(said: str) -> bool:
    return said.isascii() and said.isdigit() and len(said) <= 18


def _shown(form: CampaignForm) -> tuple[Campaign, Audience]:
    """What the page shows at first: as posted, as saved, or an empty draft."""
    if form.is_bound:
        return form.fill(Campaign()), form.audience
    if form.campaign:
        return form.campaign, Audience.of(form.campaign)
    if form.made_from:
        return _from_template(form), Audience()
    lists = ContactList.objects.filter(pk__in=form.initial["lists"]).values_list("pk", flat=True)
    segments = Segment.objects.filter(pk__in=form.initial["segments"]).values_list("pk", flat=True)
    return Campaign(), Audience(tuple(lists), segments=tuple(segments))


def _from_template(form: CampaignForm) -> Campaign:
    """What the page shows at first of a campaign that starts from a template."""
    texts = {
        field.name: form.initial[field.name]
        for field in FIELDS
        if field.in_template and not field.keeps_saved and field.name != "sender"
    }
    return Campaign(**texts, sender=Sender(name=form.initial["sender"]))


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Write a new campaign. `?list=3` chooses that list, `?segment=3` that segment."""
    chosen = {"lists": request.GET.getlist("list"), "segments": request.GET.getlist("segment")}
    form = form_of(
        request, initial={name: [pk for pk in pks if _is_id(pk)] for name, pks in chosen.items()}
    )
    if request.method == "POST" and form.is_valid():
        return _saved(request, drafts.save(form, current_user(request)))
    return _composer(request, form, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a draft."""
    campaign = draft_of(request, pk)
    if campaign.state not in CAN_EDIT:
        messages.warning(
            request, _("Only drafts can be changed. Duplicate the campaign to change something.")
        )
        return redirect(campaign)
    form = form_of(request, campaign)
    if request.method != "POST":
        return _composer(request, form)
    if not form.is_valid():
        return _composer(request, form, status=422)
    try:
        return _saved(request, drafts.save(form, current_user(request)))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    except drafts.DraftChanged as changed:
        return _composer(request, form, status=409, theirs=changed.campaign)


def _saved(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    if request.POST.get("then") == "review":
        return redirect("campaign-review", campaign.pk)
    messages.success(request, _("Draft saved."))
    return redirect("campaign-edit", campaign.pk)


@require_POST
def campaign_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new draft that says the same."""
    copy = drafts.duplicate(draft_of(request, pk), current_user(request))
    messages.success(request, _("This is a copy. Nothing is sent before you launch it."))
    return redirect("campaign-edit", copy.pk)


@require_POST
def campaign_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft for good."""
    campaign = draft_of(request, pk)
    try:
        name = drafts.delete(campaign.pk, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": name})
    return redirect("campaign-list")
