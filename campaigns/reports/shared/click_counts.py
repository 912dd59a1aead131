"""Who clicked: recipients of whom a person clicked, each once. Clicks of programs are in no figure.

Campaigns without tracked links are in no answer, as of them nobody knows.
"""

from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from campaigns.compose.models import Campaign
from campaigns.engagement.models import Click, Machine

# The message comes first, also where the clock of the gateway, whose time this is, is ahead.
CLICKED_AT = Greatest("at", Coalesce("recipient__sent_at", "at"))


def people_clicks() -> QuerySet[Click]:
    """The clicks of people, without those of programs."""
    return Click.objects.filter(machine=Machine.NONE)


def select_tracked(campaigns: QuerySet[Campaign]) -> list[Campaign]:
    """Those of `campaigns` whose links are tracked, with the columns of their messages alone."""
    none = Q(tracked_links=None) | Q(tracked_links=[])
    some = campaigns.exclude(none, variant_links=None)
    columns = some.select_related(None).prefetch_related(None).only(
        "tariff", "purpose", "tracked_links", "text", "button_url", "sms_text", "variants",
        "variant_links",
    )  # fmt: skip
    return [campaign for campaign in columns if campaign.is_tracked]


def count_clickers(campaigns: Iterable[Campaign], country: str | None = None) -> dict[int, int]:
    """How many recipients, of `country` if it is given, clicked: by the ids of those of the
    campaigns that are tracked. One query, or none.
    """
    tracked = [campaign.pk for campaign in campaigns if campaign.is_tracked]
    if not tracked:
        return {}
    clicks = people_clicks().filter(campaign__in=tracked)
    if country is not None:
        clicks = clicks.filter(recipient__country=country)
    rows = clicks.order_by().values_list("campaign")
    return dict.fromkeys(tracked, 0) | dict(rows.annotate(Count("recipient", distinct=True)))
