"""Pages of the composer: write, look, review, launch."""

import re
from mimetypes import guess_type
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.audience.models import ContactList
from campaigns.compose import drafts, lifecycle
from campaigns.compose.audience import Audience
from campaigns.compose.figures import figures, remembered_countries
from campaigns.compose.forms import CampaignForm
from campaigns.compose.lifecycle import CAN_EDIT, Refused
from campaigns.compose.lines import browser_words, duration, lines
from campaigns.compose.message import build
from campaigns.compose.models import Campaign, Picture, Sender
from campaigns.compose.pictures import take_in
from campaigns.compose.preview import FIRST, choices, preview, somebody
from campaigns.team.access import at_least, current, find, visible
from campaigns.team.models import Role

STORED_PICTURE = re.compile(r"pictures/\w+\.(?:jpg|png)")
YEAR = 31_536_000  # seconds


def _base_url(request: HttpRequest) -> str:
    """Where this site's pictures are reached: at its public address, else as this person reaches it."""
    return settings.PUBLIC_BASE_URL or f"{request.scheme}://{request.get_host()}"


def _form(request: HttpRequest, campaign: Campaign | None = None, **options: Any) -> CampaignForm:
    posted = request.method == "POST"
    return CampaignForm(
        request.POST if posted else None,
        options.pop("files", request.FILES) if posted else None,
        campaign=campaign,
        actor=current(request),
        base_url=_base_url(request),
        **options,
    )


def _draft(request: HttpRequest, pk: int) -> Campaign:
    """The campaign `pk`, for somebody who may write campaigns."""
    return find(current(request), Campaign.objects.select_related("sender"), Role.MARKETER, pk=pk)


def _composer(request: HttpRequest, form: CampaignForm, status: int = 200, **more: Any) -> HttpResponse:
    campaign, audience = _shown(form)
    context = {
        "form": form,
        "campaign": form.campaign,
        "senders": visible(current(request), Sender.objects.all()),
        "pictures": visible(current(request), Picture.objects.all())[:24],
        "has_lists": ContactList.objects.exists(),
        "chosen": Picture.objects.filter(file=str(campaign.image)).first() if campaign.image else None,
        "chosen_name": str(campaign.image or ""),
        "words": browser_words(),
        "lines": lines(campaign, audience),
        "open_cards": _open_cards(form, campaign, audience),
        **_phone(campaign, audience, request),
        **more,
    }
    return render(request, "campaigns/compose/composer.html", context, status=status)


CARDS = {
    "sms": ("sms_sender", "sms_text", "validity"),
    "audience": ("lists", "exclude_lists"),
    "when": ("timing", "scheduled_at", "time_zone", "budget", "tariff"),
}


def _open_cards(form: CampaignForm, campaign: Campaign, audience: Audience) -> set[str]:
    """The cards that are not folded at first: those with something to mend, and the audience until it is chosen."""
    wrong = {card for card, fields in CARDS.items() if any(field in form.errors for field in fields)}
    return wrong | (set() if audience.lists else {"audience"}) | ({"sms"} if campaign.sms_text else set())


def _shown(form: CampaignForm) -> tuple[Campaign, Audience]:
    """What the page shows at first: as posted, as saved, or an empty draft."""
    if form.is_bound:
        return form.fill(Campaign()), form.audience
    if form.campaign:
        return form.campaign, Audience.of(form.campaign)
    chosen = ContactList.objects.filter(pk__in=form.initial["lists"]).values_list("pk", flat=True)
    return Campaign(), Audience(tuple(chosen))


@at_least(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Write a new campaign. `?list=3` chooses that list."""
    form = _form(request, initial={"lists": [pk for pk in request.GET.getlist("list") if pk.isdigit()]})
    if request.method == "POST" and form.is_valid():
        return _saved(request, drafts.save(form, current(request)))
    return _composer(request, form, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a draft."""
    campaign = _draft(request, pk)
    if campaign.state not in CAN_EDIT:
        messages.warning(request, _("Only drafts can be changed. Duplicate the campaign to change something."))
        return redirect(campaign)
    form = _form(request, campaign)
    if request.method != "POST":
        return _composer(request, form)
    if not form.is_valid():
        return _composer(request, form, status=422)
    try:
        return _saved(request, drafts.save(form, current(request)))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    except drafts.Changed as changed:
        return _composer(request, form, status=409, theirs=changed.campaign)


def _saved(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    if request.POST.get("then") == "review":
        return redirect("campaign-review", campaign.pk)
    messages.success(request, _("Draft saved."))
    return redirect("campaign-edit", campaign.pk)


@require_POST
def campaign_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new draft that says the same."""
    copy = drafts.duplicate(_draft(request, pk), current(request))
    messages.success(request, _("This is a copy. Nothing is sent before you launch it."))
    return redirect("campaign-edit", copy.pk)


@require_POST
def campaign_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft for good."""
    campaign = _draft(request, pk)
    try:
        name = drafts.delete(campaign.pk, current(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": name})
    return redirect("campaign-list")


def _phone(campaign: Campaign, audience: Audience, request: HttpRequest) -> dict[str, Any]:
    """What the phone shows: the message of whom the person chose to look at."""
    template = build(campaign)
    whose = request.POST.get("whose", FIRST)
    offered = choices(remembered_countries(audience), template)
    if whose not in dict(offered):
        whose = FIRST
    person = somebody(audience, template, whose, request.POST.get("whose_phone", "")) if audience.lists else None
    return {
        "preview": preview(campaign, person),
        "whose": whose,
        "whose_choices": offered,
        "whose_phone": request.POST.get("whose_phone", ""),
        "nobody": bool(audience.lists) and person is None,
    }


@at_least(Role.MARKETER)
@require_POST
def campaign_preview(request: HttpRequest) -> HttpResponse:
    """A fragment: the phone, for the form as it stands."""
    form = _form(request, files=None)
    form.sketch()
    return render(
        request, "campaigns/compose/_phone_fragment.html", _phone(form.fill(Campaign()), form.audience, request)
    )


@at_least(Role.MARKETER)
@require_POST
def campaign_figures(request: HttpRequest) -> HttpResponse:
    """A fragment: people, lengths, cost, what is wrong and what is doubtful, for the form as it stands."""
    form = _form(request, files=None)
    form.sketch()
    campaign, audience = form.fill(Campaign()), form.audience
    found = {"figures": figures(campaign, audience), "lines": lines(campaign, audience)}
    return render(request, "campaigns/compose/_figures.html", found)


@require_safe
def campaign_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that will happen, on one page, before it does."""
    campaign = _draft(request, pk)
    if campaign.state not in CAN_EDIT:
        return redirect(campaign)
    audience = Audience.of(campaign)
    found = figures(campaign, audience, refresh="refresh" in request.GET)
    person = somebody(audience, build(campaign)) if audience.lists else None
    return render(
        request,
        "campaigns/compose/review.html",
        {
            "campaign": campaign,
            "figures": found,
            "preview": preview(campaign, person),
            "validity": duration(campaign.validity),
            "lists": campaign.lists.all(),
            "exclude_lists": campaign.exclude_lists.all(),
        },
    )


@require_POST
def campaign_launch(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the draft on its way, if the number of people that was typed is the number that will get it."""
    campaign = _draft(request, pk)
    typed = re.sub(r"[\s,.'\u00a0\u202f]", "", request.POST.get("people", ""))
    if not (typed.isascii() and typed.isdigit()) or len(typed) > 10:
        messages.error(request, _("Type the number of people, to confirm that you mean them all."))
        return redirect("campaign-review", pk)
    try:
        lifecycle.launch(campaign.pk, current(request), int(typed))
    except Refused as refused:
        messages.error(request, str(refused))
        campaign.refresh_from_db(fields=["state"])
        return redirect("campaign-review", pk) if campaign.state in CAN_EDIT else redirect(campaign)
    messages.success(request, _("“%(name)s” is on its way.") % {"name": campaign.name})
    return redirect(campaign)


@at_least(Role.MARKETER)
@require_POST
def picture_upload(request: HttpRequest) -> HttpResponse:
    """A fragment: the picture just uploaded, chosen; or what is wrong with it, in plain words."""
    upload = request.FILES.get("picture")
    if upload is None:
        return HttpResponse(_("Choose a file."), status=422, content_type="text/plain; charset=utf-8")
    try:
        picture = take_in(upload, current(request), square=bool(request.POST.get("square")))
    except ValidationError as wrong:
        return HttpResponse(" ".join(wrong.messages), status=422, content_type="text/plain; charset=utf-8")
    context = {"chosen": picture, "name": str(picture.file)}
    return render(request, "campaigns/compose/_picture_chosen.html", context)


@login_not_required
@require_safe
def media(request: HttpRequest, name: str) -> FileResponse:
    """A picture of the library, for the phones of those who get it: anybody who knows its random name."""
    if not STORED_PICTURE.fullmatch(name) or not default_storage.exists(name):
        raise Http404
    answer = FileResponse(default_storage.open(name), content_type=guess_type(name)[0])
    answer["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Disposition"] = "inline"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
