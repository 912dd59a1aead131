"""How long data is kept, and what the nightly job deleted."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.results.models import OldDataRemoval
from campaigns.results.retention.kinds import KINDS, all_kinds
from campaigns.shared.brands.scope import all_brands
from campaigns.team.pages.access import permission_required
from campaigns.team.permissions import Permission

NIGHTS_SHOWN = 14


@require_safe
@permission_required(Permission.OPERATE)
def retention(request: HttpRequest) -> HttpResponse:
    """The kinds of data with their periods, and the last nights."""
    removals = OldDataRemoval.objects.all()[:NIGHTS_SHOWN]
    with all_brands():
        kinds = [(kind, kind.oldest()) for kind in all_kinds()]
    context = {
        "kinds": kinds,
        "nights": [(removal, _removed_texts(removal)) for removal in removals],
    }
    return render(request, "campaigns/results/retention.html", context)


def _removed_texts(removal: OldDataRemoval) -> list[tuple[str, int]]:
    """The labels of the kinds of which something was deleted, and how much."""
    return [
        (str(kind.label), count) for kind in KINDS if (count := removal.removed.get(kind.name, 0))
    ]
