"""The image library: where each image is used, and which can be deleted."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team import audit
from campaigns.team.models import User


def with_uses(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """`pictures`, each with `used`: whether a campaign uses it."""
    return pictures.annotate(used=Exists(Campaign.objects.filter(image=OuterRef("file"))))


def attach_campaigns(pictures: Iterable[Picture]) -> None:
    """Set `campaigns` on each of `pictures`: those that use it, newest first."""
    campaigns: defaultdict[str, list[Campaign]] = defaultdict(list)
    by_file = {str(picture.file): picture for picture in pictures}
    for campaign in Campaign.objects.filter(image__in=by_file).only("pk", "name", "image"):
        campaigns[str(campaign.image)].append(campaign)
    for file, picture in by_file.items():
        vars(picture)["campaigns"] = campaigns[file]


def rename(picture: Picture, title: str, actor: User) -> None:
    """Change the name of `picture` in the library."""
    picture.title = title.strip()[:100]
    picture.save(update_fields=["title"])
    audit.record(actor, picture, "renamed", picture.title)


def delete(picture: Picture, actor: User) -> bool:
    """Delete `picture` and its file. Return False if a campaign or a template still uses it: phones
    load the image for as long as they keep the message.
    """
    if CampaignTemplate.objects.filter(content__image=str(picture.file)).exists():
        return False
    with transaction.atomic():
        unused = Picture.objects.filter(pk=picture.pk).exclude(
            Exists(Campaign.objects.filter(image=OuterRef("file")))
        )
        if not unused.delete()[0]:
            return False
        audit.record(actor, picture, "deleted", str(picture))
    picture.file.delete(save=False)
    return True
