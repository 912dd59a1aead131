"""The library of pictures: where each is used, and what may go."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team import audit
from campaigns.team.models import User


def with_uses(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """`pictures` with `used`: whether any campaign has it."""
    return pictures.annotate(used=Exists(Campaign.objects.filter(image=OuterRef("file"))))


def tell_uses(pictures: Iterable[Picture]) -> None:
    """Give each of `pictures` the `campaigns` that have it, the newest first."""
    found: defaultdict[str, list[Campaign]] = defaultdict(list)
    by_file = {str(picture.file): picture for picture in pictures}
    for campaign in Campaign.objects.filter(image__in=by_file).only("pk", "name", "image"):
        found[str(campaign.image)].append(campaign)
    for file, picture in by_file.items():
        vars(picture)["campaigns"] = found[file]


def rename(picture: Picture, title: str, actor: User) -> None:
    """Give `picture` another name for people."""
    picture.title = title.strip()[:100]
    picture.save(update_fields=["title"])
    audit.record(actor, picture, "renamed", picture.title)


def delete(picture: Picture, actor: User) -> bool:
    """Delete `picture` and its file, unless a campaign or a template has it.

    Phones fetch it for as long as they keep the message.
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
