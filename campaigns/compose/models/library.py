"""What drafts are made from: senders, pictures, templates, test groups."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.gateway import limits


class Sender(models.Model):
    """A Viber sender (alpha name), registered with the vendor beforehand."""

    name = models.CharField(_("sender"), max_length=limits.SENDER_MAX, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Picture(models.Model):
    """A picture of the media library: re-encoded, without what the camera wrote into it."""

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
        """Where this site serves it, wherever it is stored."""
        return f"{settings.MEDIA_URL}{self.file.name}"


class CampaignTemplate(models.Model):
    """A template, as people call it: a message to start campaigns from; what is locked only
    administrators change.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    content = models.JSONField(default=dict)  # {field of the form: what it shows}
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

    def __str__(self) -> str:
        return self.name


class TestGroup(models.Model):
    """Own phones that tests are sent to together, under a name that everybody here can choose."""

    __test__ = False  # no class of pytest's

    name = models.CharField(_("name"), max_length=100, unique=True)
    phones = models.JSONField(default=list)  # in the form in which they were typed
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("test group")
        verbose_name_plural = _("test groups")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
