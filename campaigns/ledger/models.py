"""Ledger entries, their totals, and readings of the balance."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import ParentBrandManager
from campaigns.shared.money import AmountField

SHARDS = 16


class Channel(models.TextChoices):
    """What is charged."""

    VIBER = "viber", _("Viber")
    SMS = "sms", _("SMS")
    FEE = "fee", _("Sender fee")


class Kind(models.TextChoices):
    """Why an entry was made."""

    CHARGE = "charge", _("Charge")  # the first price that the gateway named for this channel
    ADJUSTMENT = "adjustment", _("Adjustment")  # the newest price minus all earlier entries
    FEE = "fee", _("Monthly fee")
    CORRECTION = "correction", _("Correction")  # by an administrator, with a note


class Purpose(models.TextChoices):
    """What the money was spent on; pages never mix them."""

    CAMPAIGN = "campaign", _("Campaign")
    TEST = "test", _("Test send")
    REHEARSAL = "rehearsal", _("Rehearsal")


class LedgerEntry(models.Model):
    """One charge or change of it. Append-only: triggers refuse UPDATE and DELETE.

    The sum of a recipient's entries in one channel is the newest price that the gateway named. An
    entry whose price is not yet known has the amount NULL; the adjustment that follows brings the
    price.
    """

    at = models.DateTimeField()
    day = models.DateField()  # of `at` in the site's time zone, fixed when entered
    kind = models.CharField(max_length=10, choices=Kind.choices)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.CAMPAIGN)
    # No foreign key constraints: their checks would be the largest cost of an insert, and rows
    # that have entries are never deleted.
    campaign = models.ForeignKey(
        "campaigns.Campaign",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    recipient = models.ForeignKey(
        "campaigns.Recipient",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    amount = AmountField(null=True)
    # Whether it brings the price of an earlier entry whose amount was not known.
    settles = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)
    # Only without a campaign, whose account it would be; None: the first account.
    account = models.ForeignKey(
        "campaigns.GatewayAccount",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            # One charge for each recipient and channel, whatever is repeated after a crash. Also
            # finds the entries of a recipient.
            models.UniqueConstraint(
                "recipient", "channel", name="ledger_one_charge", condition=Q(kind="charge")
            ),
        ]
        indexes = [
            # Reports: the entries behind a figure of a day or a campaign, paged by day and id.
            models.Index("campaign", "day", "id", name="ledger_campaign_day"),
            # The same for SMS alone: they come after the charges of the same day.
            models.Index(
                "campaign", "day", "id", name="ledger_campaign_sms", condition=Q(channel="sms")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.amount} {self.currency}"


class BalanceReading(models.Model):
    """The balance of an account, read each hour: the ledger is compared with it."""

    hour = models.DateTimeField()
    at = models.DateTimeField()
    amount = AmountField()
    currency = models.CharField(max_length=3)
    # The sum of all entries in this currency until then, without rehearsals.
    entered = AmountField()
    unknown = models.IntegerField(default=0)  # entries whose price was not known then
    on_way = models.IntegerField(default=0)  # batches whose answer was not recorded then
    # whose balance it is; None: the first account's
    account = models.ForeignKey(
        "campaigns.GatewayAccount", models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("balance reading")
        verbose_name_plural = _("balance readings")
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint("hour", Coalesce("account", 0), name="balance_of_hour")
        ]

    def __str__(self) -> str:
        return f"{self.at}: {self.amount} {self.currency}"


class LedgerTotal(models.Model):
    """The sum of entries of one day, campaign, purpose, channel, kind, country and currency.

    Written in the transaction that writes the entries; rebuilt from them by `manage.py
    rebuild_totals`. Writers are spread over `shard`, so that workers on one campaign don't wait
    for the same row; readers sum over it.
    """

    day = models.DateField()
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.CAMPAIGN)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    shard = models.PositiveSmallIntegerField(default=0)
    amount = AmountField(default=0)
    entries = models.PositiveIntegerField(default=0)
    # Entries whose price was not known, less those that settled one.
    unknown = models.IntegerField(default=0)
    # As of the entries. Not in the constraint, which the version before uses: each account has
    # shards of its own (totals.py).
    account = models.ForeignKey(
        "campaigns.GatewayAccount",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects = ParentBrandManager.of("campaign")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "day",
                Coalesce("campaign", 0),
                "purpose",
                "channel",
                "kind",
                "country",
                "currency",
                "shard",
                name="ledger_total_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.channel} {self.amount} {self.currency}"
