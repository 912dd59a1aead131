"""The image library: where each image is used, and which can be deleted."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.removal import InUse, remove_if_unneeded


def with_uses(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """`pictures`, each with `used`: whether a campaign uses it."""
    return pictures.annotate(used=Exists(Campaign.objects.filter(image=OuterRef("file"))))


def attach_uses(pictures: Iterable[Picture]) -> None:
    """Set `campaigns` and `templates` on each of `pictures`: those that use it."""
    campaigns: defaultdict[str, list[Campaign]] = defaultdict(list)
    by_file = {str(picture.file): picture for picture in pictures}
    for campaign in Campaign.objects.filter(image__in=by_file).only("pk", "name", "image"):
        campaigns[str(campaign.image)].append(campaign)
    templates: defaultdict[str, list[CampaignTemplate]] = defaultdict(list)
    for template in CampaignTemplate.objects.filter(content__image__in=list(by_file)):
        templates[template.content["image"]].append(template)
    for file, picture in by_file.items():
        vars(picture).update(campaigns=campaigns[file], templates=templates[file])


@transaction.atomic
def rename(picture: Picture, title: str, actor: User) -> None:
    """Change the name of `picture` in the library."""
    picture.title = title.strip()[:100]
    picture.save(update_fields=["title"])
    audit.record(actor, picture, "renamed", picture.title)


def delete(picture: Picture, actor: User) -> None:
    """Delete `picture` and its file. Raises Refused if a campaign or a template still uses it."""
    try:
        remove_if_unneeded(picture, actor, "deleted", str(picture))
    except InUse as used:
        message = _("This image can't be deleted. It is used by: %(names)s.")
        raise Refused(message % {"names": used}) from used
    picture.file.delete(save=False)
