"""The image library: where each image is used, and which can be deleted."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignTemplate, Picture
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.removal import InUse, remove_if_unneeded


def campaigns_with(file: Any) -> QuerySet[Campaign]:
    """The campaigns that have the image `file`, a name or an expression, in one of their variants.
    No name is a part of another one, nor of a text.
    """
    named = Campaign.objects.annotate(others=Cast("variants", TextField()))
    return named.filter(Q(image=file) | Q(others__contains=file))


def with_uses(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """`pictures`, each with `used`: whether a campaign uses it."""
    return pictures.annotate(used=Exists(campaigns_with(OuterRef("file"))))


def attach_uses(pictures: Iterable[Picture]) -> None:
    """Set `campaigns` and `templates` on each of `pictures`: those that use it."""
    campaigns: defaultdict[str, list[Campaign]] = defaultdict(list)
    by_file = {str(picture.file): picture for picture in pictures}
    in_use = Campaign.objects.filter(Q(image__in=by_file) | ~Q(variants=[]))
    for campaign in in_use.only("pk", "name", "image", "variants"):
        of_variants = {variant.get("image_file", "") for variant in campaign.variants}
        for file in by_file.keys() & {str(campaign.image), *of_variants}:
            campaigns[file].append(campaign)
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
