"""How recipients see lists."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.models import ContactList
from campaigns.shared.brands.models import ParentBrandManager


class PublicList(models.Model):
    """What recipients are told of a list while it is offered to them: they add and remove
    themselves (engagement/preferences.py).
    """

    list = models.OneToOneField(
        ContactList, models.CASCADE, primary_key=True, related_name="public"
    )
    is_offered = models.BooleanField(_("offered to recipients"), default=False)
    name = models.CharField(_("public name"), max_length=100, blank=True)
    description = models.CharField(_("public description"), max_length=300, blank=True)

    objects = ParentBrandManager.of("list")

    class Meta:
        verbose_name = _("public list")
        verbose_name_plural = _("public lists")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
