"""The composer: write, edit, duplicate and delete a draft."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import AUDIENCE, FIELDS
from campaigns.compose.editor import drafts
from campaigns.compose.editor.autosave import save_with_issues
from campaigns.compose.editor.card_summaries import card_summaries, script_messages
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.launch.state_changes import is_unprepared
from campaigns.compose.message import links
from campaigns.compose.message.audience_counts import measured_already
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import (
    Campaign,
    CampaignTemplate,
    Picture,
    RecipientOutcome,
    Segment,
    Sender,
)
from campaigns.compose.pages.draft_request import (
    checked_form_of,
    countries_of,
    draft_of,
    form_of,
    links_context,
    local_times_context,
    preview_context,
)
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.models import ContactList
from campaigns.shared.query_values import read_ids
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.body_limits import IMAGE, accepts_body
from campaigns.team.pages.submissions import once, token_of
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, users_with_permission, visible_to

IMAGES_OFFERED = 24
ADMINISTRATORS_SHOWN = 3  # whom to ask for a sender
CHECK = "check"  # in the address: the issues of the draft that was just saved are shown


def _composer(
    request: HttpRequest, form: CampaignForm, status: int = 200, **more: Any
) -> HttpResponse:
    campaign, audience = _initial_content(form)
    measured = measured_already(audience, compile_message(campaign))
    form["sender"].help_text = _sender_hint(form, current_user(request))
    context = {
        "form": form,
        "campaign": form.campaign,
        "is_unsaved": request.method == "POST",
        "images": _offered_images(current_user(request), campaign),
        **_urls(form),
        "utm_fields": [form[name] for name in links.UTM_NAMES],
        "has_utm": any(form[name].value() for name in links.UTM_NAMES),
        "has_templates": CampaignTemplate.objects.exists(),
        "has_lists": choosable_lists().exists(),
        "earlier": form.earlier_rows(),
        "has_exclusions": any(
            form[name].value() or form[name].errors
            for name in AUDIENCE
            if name.startswith("exclude")
        ),
        "outcomes": RecipientOutcome.choices,
        **_image(form, campaign),
        "script_messages": script_messages(),
        "summaries": card_summaries(campaign, _chosen(form, audience)),
        "open_cards": _open_cards(form, campaign, audience),
        **preview_context(campaign, audience, request, measured),
        **links_context(campaign, is_locked="untracked_links" in form.locked),
        **local_times_context(campaign, countries_of(audience, measured)),
        **more,
    }
    return render(request, "campaigns/compose/composer.html", context, status=status)


def _sender_hint(form: CampaignForm, user: User) -> str:
    """Where `user` adds senders, or whom to ask; and why the chosen one is not usable, where the
    form does not say so itself.
    """
    can_add = has_permission(user, Permission.MANAGE_SENDERS)
    administrators = users_with_permission(Permission.MANAGE_SENDERS).order_by("username")
    context = {
        "has_senders": form.has_senders,
        "can_add_senders": can_add,
        "administrators": [] if can_add else administrators[:ADMINISTRATORS_SHOWN],
        "unknown_sender": "" if form.is_bound else form.unknown_sender,
    }
    return render_to_string("campaigns/compose/_sender_hint.html", context)


def _offered_images(user: User, campaign: Campaign) -> list[Picture]:
    """The newest images of the library, and those that the variants have."""
    library = visible_to(user, Picture.objects.all())
    newest = list(library[:IMAGES_OFFERED])
    chosen = {variant.get("image_file", "") for variant in campaign.variants} - {""}
    missing = chosen - {str(image.file) for image in newest}
    return [*newest, *(library.filter(file__in=missing) if missing else ())]


def _open_cards(form: CampaignForm, campaign: Campaign, audience: Audience) -> set[str]:
    """The cards that are open at first: those with errors, the SMS fallback if there is one, and
    the audience until it is chosen.
    """
    with_errors = {field.card.value for field in FIELDS if field.name in form.errors}
    return (
        with_errors
        | (set() if audience else {"audience"})
        | ({"sms"} if campaign.sms_text else set())
        | ({"variants"} if campaign.variants else set())
    )


def _urls(form: CampaignForm) -> dict[str, str]:
    """The address of autosave, and the query that keeps the template of an unsaved campaign."""
    if form.campaign:
        autosave_url = reverse("campaign-autosave", args=[form.campaign.pk])
        return {"autosave_url": autosave_url, "template_query": ""}
    query = f"?template={form.made_from.pk}" if form.made_from else ""
    return {
        "autosave_url": f"{reverse('campaign-autosave-new')}{query}",
        "template_query": query,
    }


def _image(form: CampaignForm, campaign: Campaign) -> dict[str, Any]:
    name = str(campaign.image or "")
    return {
        "image": Picture.objects.filter(file=name).first() if name else None,
        "image_name": name,
        "image_errors": " ".join([*form["picture"].errors, *form["image"].errors]),
    }


def _initial_content(form: CampaignForm) -> tuple[Campaign, Audience]:
    """The campaign that the page shows at first: as posted, as saved, or a new draft."""
    if form.is_bound:
        return form.fill(Campaign()), form.audience
    if form.campaign:
        if form.campaign.new_sender:  # for the preview
            form.campaign.sender = Sender(name=form.campaign.new_sender)
        return form.campaign, Audience.of(form.campaign)
    if form.made_from:
        return _from_template(form), Audience()
    lists = ContactList.objects.filter(pk__in=form.initial["lists"]).values_list("pk", flat=True)
    segments = Segment.objects.filter(pk__in=form.initial["segments"]).values_list("pk", flat=True)
    return Campaign(), Audience(tuple(lists), segments=tuple(segments))


def _chosen(form: CampaignForm, audience: Audience) -> Audience:
    """What the card of the audience names; of a follow-up, `audience` is the most it can be."""
    if form.is_bound:
        return form.chosen
    return Audience.chosen_for(form.campaign) if form.campaign else audience


def _from_template(form: CampaignForm) -> Campaign:
    """The content of a new campaign that starts from a template."""
    values = {
        field.name: form.initial[field.name]
        for field in FIELDS
        if field.in_template and not field.keeps_saved and field.name != "sender"
    }
    return Campaign(**values, sender=Sender(name=form.initial["sender"]))


@never_cache  # after the back button the page shows the draft as it is now
@once
@permission_required(Permission.COMPOSE)
@require_http_methods(["GET", "HEAD", "POST"])
@accepts_body(IMAGE)
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Write a new campaign. `?list=3` preselects a list, `?segment=3` a segment."""
    chosen = {
        "lists": read_ids(request.GET.getlist("list")),
        "segments": read_ids(request.GET.getlist("segment")),
    }
    form = form_of(request, initial=chosen)
    if request.method != "POST":
        return _composer(request, form)
    return _save(request, form) or _composer(request, form, status=422)


@never_cache
@once
@require_http_methods(["GET", "HEAD", "POST"])
@accepts_body(IMAGE)
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a draft. `?check` shows its issues at their fields."""
    campaign = draft_of(request, pk)
    if campaign.state not in CAN_EDIT:
        if is_unprepared(campaign):
            text = _("Only drafts can be edited. Return the campaign to draft to change it.")
        else:
            text = _("Only drafts can be edited. Duplicate the campaign to change it.")
        messages.warning(request, text)
        return redirect(campaign)
    if request.method != "POST":
        checked = checked_form_of(request, campaign) if CHECK in request.GET else None
        return _composer(request, checked or form_of(request, campaign))
    form = form_of(request, campaign)
    try:
        return _save(request, form) or _composer(request, form, status=422)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    except drafts.DraftChanged as changed:
        return _composer(request, form, status=409, other_version=changed.campaign)


def _save(request: HttpRequest, form: CampaignForm) -> HttpResponse | None:
    """Save the posted form, valid or not; None if a value can't be read, which nothing is saved of.
    Raises Refused and DraftChanged.
    """
    user, token = current_user(request), token_of(request)
    if form.is_valid():
        return _saved(request, drafts.save(form, user, token))
    if campaign := save_with_issues(form, user, token):
        messages.success(request, _("Draft saved."))
        return redirect(f"{reverse('campaign-edit', args=[campaign.pk])}?{CHECK}")
    return None


def _saved(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    if request.POST.get("then") == "review":
        return redirect("campaign-review", campaign.pk)
    messages.success(request, _("Draft saved."))
    return redirect("campaign-edit", campaign.pk)


@once
@require_POST
def campaign_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a campaign to a new draft."""
    copy = drafts.duplicate(draft_of(request, pk), current_user(request))
    messages.success(request, _("Campaign duplicated. This is the copy."))
    return redirect("campaign-edit", copy.pk)


@require_POST
def campaign_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft permanently."""
    campaign = draft_of(request, pk)
    try:
        name = drafts.delete(campaign.pk, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(request, _("“%(name)s” deleted.") % {"name": name})
    return redirect("campaign-list")
