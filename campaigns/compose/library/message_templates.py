"""Templates: messages saved to start campaigns from; administrators can lock their fields."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.removal import remove_if_unneeded
from campaigns.team.roles import has_permission

LOCKABLE = {
    field.name: field.label for field in FIELDS if field.in_template and not field.locked_with
}


def content_of(campaign: Campaign) -> dict[str, str | int | list[str]]:
    """What a template stores of `campaign`, as the form shows it."""
    return {field.name: field.value_of(campaign) for field in FIELDS if field.in_template}


def locked_fields(template: CampaignTemplate | None, actor: User | None) -> frozenset[str]:
    """The fields of the form that `actor` may not change in a campaign made from `template`."""
    if template is None or actor is None or has_permission(actor, Permission.MODERATE):
        return frozenset()
    locked = set(template.locked) & LOCKABLE.keys()
    return frozenset(field.name for field in FIELDS if {field.name, field.locked_with} & locked)


def save_as_template(campaign: Campaign, name: str, actor: User) -> CampaignTemplate:
    """Save the message of `campaign` as a template. Raises Refused if `name` is empty or in use."""
    name = name.strip()[:100]
    if not name:
        raise Refused(_("Enter a name for the template."))
    try:
        with transaction.atomic():
            template = CampaignTemplate.objects.create(
                name=name, content=content_of(campaign), created_by=actor
            )
            detail = _("from “%(name)s”") % {"name": campaign.name}
            audit.record(actor, template, "created", detail)
    except IntegrityError as duplicate:
        message = _("Choose another name: a template “%(name)s” already exists.") % {"name": name}
        raise Refused(message) from duplicate
    return template


@transaction.atomic
def lock(template: CampaignTemplate, fields: Iterable[str], actor: User) -> None:
    """Let only administrators change exactly `fields` in campaigns made from `template`."""
    chosen = set(fields)
    template.locked = [field for field in LOCKABLE if field in chosen]
    template.save(update_fields=["locked", "updated_at"])
    audit.record(actor, template, "locked", ", ".join(template.locked))


def delete(template: CampaignTemplate, actor: User) -> None:
    """Delete `template`; campaigns made from it stay, with nothing locked any more. Raises Refused
    if it has fields that `actor` may not change.
    """
    if locked_fields(template, actor):
        raise Refused(_("Only administrators can delete a template with locked fields."))
    remove_if_unneeded(template, actor, "deleted", template.name)
