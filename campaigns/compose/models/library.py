"""What drafts are made from: senders, images, templates, test groups."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.gateway import limits
from campaigns.shared.brands.models import Branded


class Sender(Branded):
    """A Viber sender (alpha name), registered with BSG in advance."""

    name = models.CharField(_("sender"), max_length=limits.SENDER_MAX)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("brand", "name", name="sender_name")]

    def __str__(self) -> str:
        return self.name


class Picture(Branded):
    """An image of the library, re-encoded without location and camera data."""

    file = models.FileField(_("file"), upload_to="pictures/", unique=True)
    title = models.CharField(_("name"), max_length=100, blank=True)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    size = models.PositiveIntegerField()  # bytes
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title or str(self.file)

    @property
    def path(self) -> str:
        """The path at which this site serves the file, wherever it is stored."""
        return f"{settings.MEDIA_URL}{self.file.name}"


class WebPicture(Branded):
    """A copy of an image that messages name by its address, for the pages of this site."""

    address = models.CharField(_("address"), max_length=limits.URL_MAX)
    # empty until it is fetched for the first time
    file = models.FileField(_("file"), upload_to="pictures/", blank=True)
    failure = models.CharField(max_length=300, blank=True)  # of the last try; "": it succeeded
    is_waiting = models.BooleanField(default=True)  # a worker is to fetch it
    asked_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)  # the end of the last try

    class Meta:
        verbose_name = _("copy of an image")
        verbose_name_plural = _("copies of images")
        constraints = [models.UniqueConstraint("brand", "address", name="web_picture_once")]

    def __str__(self) -> str:
        return self.address


class CampaignTemplate(Branded):
    """A message to start campaigns from. Only administrators change its locked fields."""

    name = models.CharField(_("name"), max_length=100)
    content = models.JSONField(default=dict)  # {field of the form: its value there}
    locked = models.JSONField(default=list, blank=True)  # names of those fields
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "campaigns_savedmessage"
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["name"]
        constraints = [models.UniqueConstraint("brand", "name", name="template_name")]

    def __str__(self) -> str:
        return self.name


class TestGroup(Branded):
    """Phones of the team for test sends, under a name that all users can choose."""

    __test__ = False  # pytest would collect it as a test

    name = models.CharField(_("name"), max_length=100)
    phones = models.JSONField(default=list)  # as they were typed
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("test group")
        verbose_name_plural = _("test groups")
        ordering = ["name"]
        constraints = [models.UniqueConstraint("brand", "name", name="test_group_name")]

    def __str__(self) -> str:
        return self.name
