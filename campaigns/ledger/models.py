"""Money: what was charged, entry by entry, and the sums that the pages read."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from campaigns.shared.money import AmountField

SHARDS = 16


class Channel(models.TextChoices):
    VIBER = "viber", _("Viber")
    SMS = "sms", _("SMS")
    FEE = "fee", _("Sender fee")


class Kind(models.TextChoices):
    CHARGE = "charge", _("Charge")  # the first price that the gateway named for this channel
    ADJUSTMENT = "adjustment", _("Adjustment")  # newest price minus all that was entered before
    FEE = "fee", _("Monthly fee")
    CORRECTION = "correction", _("Correction")  # by a person, with a note


class Purpose(models.TextChoices):
    """What the money was spent for; the pages never mix them."""

    CAMPAIGN = "campaign", _("Campaign")
    TEST = "test", _("Test send")
    REHEARSAL = "rehearsal", _("Rehearsal")


class LedgerEntry(models.Model):
    """One movement of money. Append-only: triggers in both databases refuse UPDATE and DELETE.

    The sum of a recipient's entries in one channel is the newest price the gateway named. An entry
    whose price is not yet known has amount NULL: it is counted, and the adjustment that follows
    brings the price.
    """

    at = models.DateTimeField()
    day = models.DateField()  # of `at` in the site's time zone, fixed when entered
    kind = models.CharField(max_length=10, choices=Kind.choices)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.CAMPAIGN)
    # No foreign key constraints: their check would be the largest cost of an insert, and nothing
    # that has entries is ever deleted.
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
    # brings the price of an earlier entry whose amount was not known
    settles = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            # One charge a recipient and channel, whatever is repeated after a crash. Serves
            # "entries of a recipient".
            models.UniqueConstraint(
                "recipient", "channel", name="ledger_one_charge", condition=Q(kind="charge")
            ),
        ]
        indexes = [
            # reports: the rows behind a number of a day or a campaign, in pages that go by day and
            # id
            models.Index("campaign", "day", "id", name="ledger_campaign_day"),
            # the same of the SMS alone, which stand behind the charges of the same day
            models.Index(
                "campaign", "day", "id", name="ledger_campaign_sms", condition=Q(channel="sms")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.amount} {self.currency}"


class BalanceReading(models.Model):
    """What the gateway said the account holds, read each hour: what the ledger is compared with."""

    hour = models.DateTimeField(unique=True)
    at = models.DateTimeField()
    amount = AmountField()
    currency = models.CharField(max_length=3)
    # the sum of all that was entered in this currency until then, without rehearsals
    entered = AmountField()
    unknown = models.IntegerField(default=0)  # entries whose price was not known then
    on_way = models.IntegerField(default=0)  # batches whose answer was not written down then

    class Meta:
        verbose_name = _("reading of the balance")
        verbose_name_plural = _("readings of the balance")
        ordering = ["-hour"]

    def __str__(self) -> str:
        return f"{self.at}: {self.amount} {self.currency}"


class LedgerTotal(models.Model):
    """The sum of entries of one day, campaign, purpose, channel, kind, country and currency.

    Kept in the transaction that writes the entries, rebuilt from them by `manage.py
    rebuild_totals`. Writers spread over `shard` so that workers on the same campaign don't queue up
    behind one row; readers sum over it.
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
    # entries whose price was not known, less those that settled one
    unknown = models.IntegerField(default=0)

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
