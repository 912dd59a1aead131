"""Labels and notes on campaigns."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded, ParentBrandManager


class Colour(models.TextChoices):
    """The colours of labels; site.css has a class `state-<colour>` for each."""

    BLUE = "blue", _("Blue")
    TEAL = "teal", _("Teal")
    PURPLE = "purple", _("Purple")
    ORANGE = "orange", _("Orange")
    GREEN = "green", _("Green")
    RED = "red", _("Red")
    YELLOW = "yellow", _("Yellow")
    INDIGO = "indigo", _("Indigo")
    CYAN = "cyan", _("Cyan")
    GREY = "secondary", _("Grey")


class Label(Branded):
    """A coloured word of the team's own, to find campaigns and group spend by."""

    name = models.CharField(_("label"), max_length=40)
    colour = models.CharField(
        _("colour"), max_length=9, choices=Colour.choices, default=Colour.BLUE
    )

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["name"]
        # "Sale" and "sale" are the same label
        constraints = [models.UniqueConstraint("brand", Lower("name"), name="label_name")]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """A note on a campaign for the team."""

    campaign = models.ForeignKey("campaigns.Campaign", models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(_("note"), max_length=2000)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text[:60]
