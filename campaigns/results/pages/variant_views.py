"""Choose which variant the rest of the audience of a campaign gets."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign
from campaigns.dispatch.variants import decide
from campaigns.results.variants.decision import figures_text
from campaigns.shared.query_values import read_text
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.permissions import Permission


@require_POST
def campaign_variant(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the variant that was posted to everybody who waits for the decision."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    letter = read_text(request.POST, "variant")
    try:
        decide(campaign.pk, letter, user, figures_text(campaign))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("Variant %(letter)s is sent to the other recipients.") % {"letter": letter}
        )
    return redirect(campaign)
