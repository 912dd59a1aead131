"""Templates: a message kept to start campaigns from, with fields that marketers may not change."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.team import audit
from campaigns.team.access import has_role
from campaigns.team.models import Role, User

LOCKABLE = {
    field.name: field.label for field in FIELDS if field.in_template and not field.locked_with
}


def content_of(campaign: Campaign) -> dict[str, str | int]:
    """What a template keeps of `campaign`, as the form shows it."""
    return {field.name: field.value_of(campaign) for field in FIELDS if field.in_template}


def locked_fields(saved: CampaignTemplate | None, actor: User | None) -> frozenset[str]:
    """The fields of the form that `actor` may not change in a campaign made from `saved`."""
    if saved is None or actor is None or has_role(actor, Role.ADMINISTRATOR):
        return frozenset()
    locked = set(saved.locked) & LOCKABLE.keys()
    return frozenset(field.name for field in FIELDS if {field.name, field.locked_with} & locked)


def keep(campaign: Campaign, name: str, actor: User) -> CampaignTemplate:
    """Keep the message of `campaign` as a template called `name`. Raises Refused for no name, or
    one that is taken.
    """
    name = name.strip()[:100]
    if not name:
        raise Refused(_("Give the template a name."))
    try:
        with transaction.atomic():
            saved = CampaignTemplate.objects.create(
                name=name, content=content_of(campaign), created_by=actor
            )
    except IntegrityError as taken:
        raise Refused(_("There is a template “%(name)s” already.") % {"name": name}) from taken
    audit.record(actor, saved, "created", _("from “%(name)s”") % {"name": campaign.name})
    return saved


def lock(saved: CampaignTemplate, fields: Iterable[str], actor: User) -> None:
    """Let only administrators change `fields` in campaigns made from `saved`, and no others."""
    chosen = set(fields)
    saved.locked = [field for field in LOCKABLE if field in chosen]
    saved.save(update_fields=["locked", "updated_at"])
    audit.record(actor, saved, "locked", ", ".join(saved.locked))


def delete(saved: CampaignTemplate, actor: User) -> None:
    """Delete a template; campaigns made from it keep their words and are locked no more."""
    audit.delete(actor, saved, "deleted", saved.name)
