"""What a request is about: the draft, its form, and the context of the preview and local times."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.draft_fields import LINK_LABELS
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.editor.local_times import campaign_zone, local_times
from campaigns.compose.library.web_pictures import shown_picture
from campaigns.compose.message.audience_counts import measured_already
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.short_links import link_base
from campaigns.compose.message.tracking.tracked_links import all_links
from campaigns.compose.message.variants import as_variant, others
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.compose.preview.message_preview import (
    FIRST,
    Preview,
    build_preview,
    find_recipient,
    recipient_choices,
)
from campaigns.compose.preview.text_pieces import (
    BOLD,
    ITALIC,
    MONOSPACE,
    STRIKETHROUGH,
    TextPiece,
)
from campaigns.contacts.models import Contact
from campaigns.shared.query_values import read_id, read_text
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

ELEMENTS = {BOLD: "strong", ITALIC: "em", STRIKETHROUGH: "s", MONOSPACE: "code"}


def base_url(request: HttpRequest) -> str:
    """The address under which images are loaded: the public one, else that of this request."""
    return settings.PUBLIC_BASE_URL or f"{request.scheme}://{request.get_host()}"


def form_of(request: HttpRequest, campaign: Campaign | None = None, **options: Any) -> CampaignForm:
    """The form of `campaign`, or of a new one; with what was posted, if the request is a POST."""
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


def checked_form_of(request: HttpRequest, campaign: Campaign) -> CampaignForm | None:
    """The form of a saved draft with its issues at their fields; None if it has none."""
    saved = initial_of(campaign) | {"budget": campaign.budget, "square": True}
    user = current_user(request)
    form = CampaignForm(saved, campaign=campaign, actor=user, base_url=base_url(request))
    if form.is_valid():
        return None
    if not form.audience:
        form.add_error("lists", _("Choose a list or a segment."))
    return form


def template_of(request: HttpRequest) -> CampaignTemplate | None:
    """The template that a new campaign starts from: `?template=3`."""
    chosen = read_id(request.GET.get("template", ""))
    if chosen is None:
        return None
    return visible_to(current_user(request), CampaignTemplate.objects.filter(pk=chosen)).first()


def sketched(request: HttpRequest) -> CampaignForm:
    """The posted form, finished or not, read as far as possible.

    It belongs to the draft whose number it carries, because a template may lock fields of that.
    """
    number = read_id(request.POST.get("draft", ""))
    drafts = visible_to(
        current_user(request), Campaign.objects.select_related("sender", "made_from")
    )
    form = form_of(request, drafts.filter(pk=number).first() if number else None, files=None)
    form.read_unfinished()
    return form


def draft_of(
    request: HttpRequest, pk: int, permission: Permission = Permission.COMPOSE
) -> Campaign:
    """The campaign `pk`, for a user with `permission`."""
    return get_object_for(
        current_user(request),
        Campaign.objects.select_related("sender", "made_from"),
        permission,
        pk=pk,
    )


def links_context(campaign: Campaign, *, is_locked: bool) -> dict[str, Any]:
    """The links that `campaign`, a draft, can track in any variant, for _tracked_links.html."""
    messages = (*reversed(others(campaign).values()), campaign)
    rows = {
        link.key: {
            "key": link.key,
            "field": LINK_LABELS[link.field],
            "target": link.target,
            "is_off": link.key in campaign.untracked_links,
            "is_locked": is_locked,
        }
        for message in messages
        for link in reversed(all_links(message))
    }
    return {"link_base": link_base(), "links": [*rows.values()][::-1]}


def countries_of(audience: Audience, measured: MeasuredAudience | None) -> dict[str, int]:
    """Country -> recipients; of a large audience that is not counted yet, contacts."""
    return audience.by_country_roughly() if measured is None else measured.countries


def local_times_context(campaign: Campaign, countries: Mapping[str, int]) -> dict[str, Any]:
    """The time of `campaign` in the `countries` of its audience, for _local_times.html."""
    return {
        "local_times": local_times(campaign, countries),
        "campaign_zone": campaign_zone(campaign).key,
        "local_time": campaign.local_time,
    }


def preview_context(
    campaign: Campaign,
    audience: Audience,
    request: HttpRequest,
    measured: MeasuredAudience | None = None,
) -> dict[str, Any]:
    """The message to the recipient that the user chose, for _phone.html and the choice itself."""
    template = compile_message(campaign)
    recipient = request.POST.get("recipient", FIRST)
    phone = request.POST.get("recipient_phone", "")
    measured = measured or measured_already(audience, template)
    choices = recipient_choices(countries_of(audience, measured), template)
    if recipient not in dict(choices):
        recipient = FIRST
    contact = None
    if audience:
        contact = find_recipient(audience, template, recipient, phone, measured)
    letter = read_text(request.POST, "variant")
    return {
        **phone_context(as_variant(campaign, letter), contact),
        "variant": letter,
        "recipient": recipient,
        "recipient_choices": choices,
        "recipient_phone": phone,
        "no_match": bool(audience) and contact is None and measured is not None,
    }


def phone_context(campaign: Campaign, contact: Contact | None) -> dict[str, Any]:
    """The message to `contact`, for _phone.html.

    Both texts are put together here: where they are shown, every line break of a template counts.
    """
    message = build_preview(campaign, contact)
    return {
        "preview": message,
        "picture": shown_picture(campaign),
        "text_html": _text_html(message) or _nothing_html(_("Your text")),
        "sms_html": _sms_html(message) or _nothing_html(_("No SMS fallback")),
    }


def other_phones(campaign: Campaign, contact: Contact | None) -> list[dict[str, Any]]:
    """The messages of the variants beside A to `contact`, each with its letter, for _phone.html."""
    return [
        {"letter": letter, **phone_context(message, contact)}
        for letter, message in others(campaign).items()
    ]


def _text_html(message: Preview) -> SafeString:
    return format_html_join("", "{}", ((_piece_html(piece),) for piece in message.pieces))


def _piece_html(piece: TextPiece) -> SafeString:
    html = format_html('<span class="bubble-link">{}</span>' if piece.link else "{}", piece.text)
    for mark in reversed(piece.marks):
        html = format_html("<{0}>{1}</{0}>", ELEMENTS[mark], html)
    return html


def _sms_html(message: Preview) -> SafeString:
    return format_html_join(
        "",
        '<span class="{}" title="{}">{}</span>',
        (
            (
                "sms-part" if part.number == 1 else "sms-part sms-part-next",
                _("Part %(number)d of %(total)d")
                % {"number": part.number, "total": message.sms_length.parts},
                part.text,
            )
            for part in message.sms_parts
        ),
    )


def _nothing_html(text: str) -> SafeString:
    return format_html('<span class="bubble-nothing">{}</span>', text)
