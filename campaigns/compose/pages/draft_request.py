"""What a page's request says of a campaign: the form, the draft it is about, whose message is
looked at.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.draft_metrics import cached_countries
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.editor.local_times import campaign_zone, local_times
from campaigns.compose.message.preview import (
    FIRST,
    build_preview,
    find_recipient,
    recipient_choices,
)
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.team.access import current_user, get_object_for, visible_to
from campaigns.team.models import Role


def base_url(request: HttpRequest) -> str:
    """Where this site's pictures are reached: at its public address, else as this person reaches
    it.
    """
    return settings.PUBLIC_BASE_URL or f"{request.scheme}://{request.get_host()}"


def form_of(request: HttpRequest, campaign: Campaign | None = None, **options: Any) -> CampaignForm:
    posted = request.method == "POST"
    return CampaignForm(
        request.POST if posted else None,
        options.pop("files", request.FILES) if posted else None,
        campaign=campaign,
        actor=current_user(request),
        made_from=None if campaign else template_of(request),
        base_url=base_url(request),
        **options,
    )


def template_of(request: HttpRequest) -> CampaignTemplate | None:
    """The template that a new campaign starts from: `?template=3`."""
    chosen = request.GET.get("template", "")
    if not (chosen.isascii() and chosen.isdigit()) or len(chosen) > 18:
        return None
    return visible_to(current_user(request), CampaignTemplate.objects.filter(pk=chosen)).first()


def sketched(request: HttpRequest) -> CampaignForm:
    """The form as it stands, finished or not; of the draft whose number it carries, which may lock
    fields.
    """
    said = request.POST.get("draft", "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= 18 else 0
    drafts = visible_to(
        current_user(request), Campaign.objects.select_related("sender", "made_from")
    )
    form = form_of(request, drafts.filter(pk=number).first() if number else None, files=None)
    form.read_unfinished()
    return form


def draft_of(request: HttpRequest, pk: int) -> Campaign:
    """The campaign `pk`, for somebody who may write campaigns."""
    return get_object_for(
        current_user(request),
        Campaign.objects.select_related("sender", "made_from"),
        Role.MARKETER,
        pk=pk,
    )


def clocks(campaign: Campaign, audience: Audience) -> dict[str, Any]:
    """What the chosen time is elsewhere."""
    return {
        "elsewhere": local_times(campaign, cached_countries(audience)),
        "campaign_zone": campaign_zone(campaign).key,
        "local_time": campaign.local_time,
    }


def phone(campaign: Campaign, audience: Audience, request: HttpRequest) -> dict[str, Any]:
    """What the phone shows: the message of whom the person chose to look at."""
    template = compile_message(campaign)
    whose = request.POST.get("whose", FIRST)
    offered = recipient_choices(cached_countries(audience), template)
    if whose not in dict(offered):
        whose = FIRST
    person = (
        find_recipient(audience, template, whose, request.POST.get("whose_phone", ""))
        if audience
        else None
    )
    return {
        "preview": build_preview(campaign, person),
        "whose": whose,
        "whose_choices": offered,
        "whose_phone": request.POST.get("whose_phone", ""),
        "nobody": bool(audience) and person is None,
    }
