"""Make a follow-up: a draft for some of the recipients of a campaign, some hours after it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from campaigns.compose.editor.follow_up_drafts import FollowedRecipients, create_follow_up
from campaigns.compose.launch.follow_ups import HOURS_MAX
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign
from campaigns.dispatch.pages.forms import form_helper
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


class FollowUpForm(forms.Form):
    """Who gets the follow-up, and how long after."""

    who = forms.ChoiceField(
        label=gettext_lazy("To those who"),
        choices=FollowedRecipients.choices,
        initial=FollowedRecipients.NOT_READ,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "As known when it goes out. Recipients of whom it is not known get nothing."
        ),
    )
    hours = forms.IntegerField(
        label=gettext_lazy("Hours after the campaign has finished sending"),
        min_value=1,
        max_value=HOURS_MAX,
        initial=24,
    )

    def __init__(self, *args: object, back: str = "", **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.helper = form_helper(gettext_lazy("Create draft"), "who", "hours", back=back)


@once
@require_http_methods(["GET", "HEAD", "POST"])
def follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the recipients and the hours; then edit the draft."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.COMPOSE, pk=pk)
    form = FollowUpForm(request.POST or None, back=campaign.get_absolute_url())
    if request.method != "POST" or not form.is_valid():
        context = {"campaign": campaign, "form": form}
        status = 422 if form.is_bound else 200
        return render(request, "campaigns/dispatch/follow_up.html", context, status=status)
    chosen = form.cleaned_data
    try:
        draft = create_follow_up(campaign, user, chosen["who"], chosen["hours"])
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(campaign)
    messages.success(request, _("Draft created. Change the message, then review and launch it."))
    return redirect("campaign-edit", draft.pk)
