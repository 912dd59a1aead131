"""Clicks on tracked links, conversions that followed, and opt-outs by a message's link."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.shared.brands.models import Branded, ParentBrandManager
from campaigns.shared.money import AmountField


class Machine(models.TextChoices):
    """Why a click is taken for that of a program."""

    NONE = "", _("A person")
    HEAD = "head", _("Asked for headers only")
    BOT = "bot", _("A known bot or link preview")
    EARLY = "early", _("Within a second of sending")
    MANY = "many", _("Many recipients' links from one address")


class Device(models.TextChoices):
    PHONE = "phone", _("Phone")
    TABLET = "tablet", _("Tablet")
    DESKTOP = "desktop", _("Desktop")
    UNKNOWN = "", _("Unknown")


class System(models.TextChoices):
    ANDROID = "android", _("Android")
    IOS = "ios", _("iOS")
    WINDOWS = "windows", _("Windows")
    MACOS = "macos", _("macOS")
    LINUX = "linux", _("Linux")
    UNKNOWN = "", _("Unknown")


class Click(models.Model):
    """A recipient's link was opened. Its target is link `number` of the campaign.

    Nothing in it names the visitor: no address, and of the device only its kind. The id is random
    and made when the link is opened, so a click that is stored again stays one.
    """

    id = models.BigIntegerField(primary_key=True)
    # without constraints, as of recipients
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="clicks"
    )
    recipient = models.ForeignKey(
        Recipient, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="clicks"
    )
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    machine = models.CharField(max_length=5, choices=Machine.choices, blank=True, default="")
    device = models.CharField(max_length=7, choices=Device.choices, blank=True, default="")
    system = models.CharField(max_length=7, choices=System.choices, blank=True, default="")

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")
        indexes = [
            # figures of a campaign, and which of its recipients clicked
            models.Index("campaign", "recipient", name="click_campaign"),
            models.Index("recipient", name="click_recipient"),  # filters, segments, a person's
            models.Index("at", name="click_at"),  # segments: clicked in the last days
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.recipient_id}: {self.number}"


class Conversion(Branded):
    """What a recipient did where link `number` of the message led them, as another system reported
    it. `conversion_id` is that system's, and is used once in a brand.

    The brand is that of the campaign.
    """

    # without constraints, as of recipients
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="conversions"
    )
    recipient = models.ForeignKey(
        Recipient,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="conversions",
    )
    number = models.PositiveSmallIntegerField()
    conversion_id = models.CharField(max_length=100)
    value = AmountField(null=True)  # None: it has none
    currency = models.CharField(max_length=3, blank=True, default="")
    at = models.DateTimeField()  # when it was reported

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        constraints = [models.UniqueConstraint("brand", "conversion_id", name="conversion_once")]
        indexes = [
            # figures of a campaign, and which of its recipients converted
            models.Index("campaign", "recipient", name="conversion_campaign"),
            models.Index("recipient", name="conversion_recipient"),  # a person's, exports
        ]

    def __str__(self) -> str:
        return self.conversion_id


class OptOutReason(models.TextChoices):
    NONE = "", _("No reason given")
    TOO_MANY = "too_many", _("Too many messages")
    NOT_INTERESTED = "not_interested", _("Not interested any more")
    NEVER_AGREED = "never_agreed", _("Never agreed to get messages")
    OTHER = "other", _("Another reason")


class OptOut(models.Model):
    """A recipient opted out by the link of this message. Undone: `undone_at` is set, and a new
    opt-out begins again.
    """

    # without constraints, as of recipients
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="opt_outs"
    )
    recipient = models.OneToOneField(
        Recipient, models.DO_NOTHING, db_constraint=False, related_name="opt_out"
    )
    at = models.DateTimeField()
    reason = models.CharField(
        max_length=14, choices=OptOutReason.choices, blank=True, default=OptOutReason.NONE
    )
    # whether it made the entry of the stop list, which undoing it takes away again
    made_entry = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        indexes = [models.Index("campaign", "at", name="opt_out_campaign")]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.recipient_id}"
