"""Templates: messages saved to start campaigns from; administrators can lock their fields."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.links import UTM
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.team import audit
from campaigns.team.access import has_role
from campaigns.team.models import Role, User

ALSO = {  # fields of the form that are one to people
    "image": ("picture", "image", "image_url", "remove_picture", "square"),
    "button_url": ("button_url", *UTM),
}
LOCKS: dict[str, str | Promise] = {
    "sender": gettext_lazy("Sender"),
    "promotional": gettext_lazy("Type"),
    "text": gettext_lazy("Text"),
    "image": gettext_lazy("Image"),
    "button_caption": gettext_lazy("Button"),
    "button_url": gettext_lazy("Link"),
    "sms_sender": gettext_lazy("SMS sender"),
    "sms_text": gettext_lazy("SMS text"),
    "validity": gettext_lazy("Validity period"),
    "tariff": gettext_lazy("Tariff"),
}


def content_of(campaign: Campaign) -> dict[str, str | int]:
    """What a template stores of `campaign`, as the form shows it."""
    return {
        "sender": campaign.sender.name if campaign.sender else "",
        "promotional": str(campaign.promotional),
        "text": campaign.text,
        "image": str(campaign.image or ""),
        "image_url": "" if campaign.image else campaign.image_url,
        "button_caption": campaign.button_caption,
        "button_url": campaign.button_url,
        "sms_sender": campaign.sms_sender,
        "sms_text": campaign.sms_text,
        "validity": campaign.validity,
        "tariff": campaign.tariff,
    }


def locked_fields(template: CampaignTemplate | None, actor: User | None) -> frozenset[str]:
    """The fields of the form that `actor` may not change in a campaign made from `template`."""
    if template is None or actor is None or has_role(actor, Role.ADMINISTRATOR):
        return frozenset()
    fields = set(template.locked) & LOCKS.keys()
    return frozenset(field for name in fields for field in ALSO.get(name, (name,)))


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
    except IntegrityError as duplicate:
        message = _("Choose another name: a template “%(name)s” already exists.") % {"name": name}
        raise Refused(message) from duplicate
    audit.record(actor, template, "created", _("from “%(name)s”") % {"name": campaign.name})
    return template


def lock(template: CampaignTemplate, fields: Iterable[str], actor: User) -> None:
    """Let only administrators change exactly `fields` in campaigns made from `template`."""
    chosen = set(fields)
    template.locked = [field for field in LOCKS if field in chosen]
    template.save(update_fields=["locked", "updated_at"])
    audit.record(actor, template, "locked", ", ".join(template.locked))


def delete(template: CampaignTemplate, actor: User) -> None:
    """Delete `template`; campaigns made from it stay, with nothing locked any more."""
    audit.delete(actor, template, "deleted", template.name)
