"""What of campaigns, segments and templates depends on lists, segments and images, for
`team.removal`.
"""

from collections.abc import Iterator

from campaigns.compose.library.pictures import campaigns_with
from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team import removal
from campaigns.team.removal import Reference


def register() -> None:
    """Make it known. Called once, at the start."""
    # a draft that lost an exclusion would go to the people whom it excluded
    removal.keep_for_drafts(
        Campaign._meta.get_field("exclude_lists"), Campaign._meta.get_field("exclude_segments")
    )
    removal.register(Picture, _uses_of_picture)


def _uses_of_picture(picture: Picture) -> Iterator[Reference]:
    """Campaigns in any state: phones load the image for as long as they keep the message."""
    file = str(picture.file)
    for campaign in campaigns_with(file)[: removal.MAX_REFERRERS]:
        yield Reference(campaign, needs_it=True)
    for template in CampaignTemplate.objects.filter(content__image=file):
        yield Reference(template, needs_it=True)
