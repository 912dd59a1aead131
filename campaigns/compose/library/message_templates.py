"""Templates: a message kept to start campaigns from, with fields that marketers may not change."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.links import UTM_NAMES
from campaigns.compose.models import Campaign, CampaignTemplate
from campaigns.team import audit
from campaigns.team.access import has_role
from campaigns.team.models import Role, User

ALSO = {  # fields of the form that are one to people
    "image": ("picture", "image", "image_url", "remove_picture", "square"),
    "button_url": ("button_url", *UTM_NAMES),
}
LOCKS: dict[str, str | Promise] = {
    "sender": gettext_lazy("Sender"),
    "promotional": gettext_lazy("Kind"),
    "text": gettext_lazy("Text"),
    "image": gettext_lazy("Picture"),
    "button_caption": gettext_lazy("Button"),
    "button_url": gettext_lazy("Link"),
    "sms_sender": gettext_lazy("SMS sender"),
    "sms_text": gettext_lazy("SMS text"),
    "validity": gettext_lazy("Validity"),
    "tariff": gettext_lazy("Tariff"),
}


def content_of(campaign: Campaign) -> dict[str, str | int]:
    """What a template keeps of `campaign`, as the form shows it."""
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


def locked_fields(saved: CampaignTemplate | None, actor: User | None) -> frozenset[str]:
    """The fields of the form that `actor` may not change in a campaign made from `saved`."""
    if saved is None or actor is None or has_role(actor, Role.ADMINISTRATOR):
        return frozenset()
    fields = set(saved.locked) & LOCKS.keys()
    return frozenset(field for name in fields for field in ALSO.get(name, (name,)))


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
    saved.locked = [field for field in LOCKS if field in chosen]
    saved.save(update_fields=["locked", "updated_at"])
    audit.record(actor, saved, "locked", ", ".join(saved.locked))


def delete(saved: CampaignTemplate, actor: User) -> None:
    """Delete a template; campaigns made from it keep their words and are locked no more."""
    audit.delete(actor, saved, "deleted", saved.name)
