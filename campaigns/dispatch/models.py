"""The frozen audience and its way through the gateway."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import AREA_KEY_MAX
from campaigns.contacts.models import MSISDN_LENGTH
from campaigns.ledger.models import SHARDS
from campaigns.shared.money import AmountField


class Snapshot(models.Model):
    """How far the audience of a campaign is frozen, and the funnel that came of it.

    `in_lists` = `repeated` + `stop_listed` + `excluded` + `left`: whoever was chosen, however it
    was. Lists are walked in the order of their ids, each by contact id.
    """

    campaign = models.OneToOneField(Campaign, models.CASCADE, primary_key=True)
    # what "the last 30 days" of a segment count back from
    begun_at = models.DateTimeField(default=timezone.now)
    list_id = models.BigIntegerField(default=0)  # the list under the cursor
    contact_id = models.BigIntegerField(default=0)  # everybody up to here is done
    batches = models.PositiveIntegerField(default=0)
    in_lists = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    stop_listed = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    complete = models.BooleanField(default=False)
    # [["US", "America/Denver"], …]: of its batches, where it has sending hours
    places = models.JSONField(default=list)

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.left}"


# the phone of somebody erased is this and the row's id: no number, and still one a campaign
ERASED = "x"


class SendState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")
    UNRESOLVED = "unresolved", _("Unresolved")
    CANCELLED = "cancelled", _("Cancelled")


class DeliveryState(models.TextChoices):
    """What the gateway says of an accepted message, in the order in which it may move."""

    NONE = "", _("Not yet known")
    WAITING = "waiting", _("Waiting")  # new, waiting, scheduled
    SENT = "sent", _("Sent")
    NOT_DELIVERED = "not_delivered", _("Not delivered")
    FALLBACK = "fallback", _("By SMS")  # Viber did not reach them, the SMS went out
    FALLBACK_DELIVERED = "sms_delivered", _("By SMS, delivered")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")


class Recipient(models.Model):
    """One person in one campaign, frozen at launch. The unit of "nobody twice, nobody forgotten".

    `send_state` is written by dispatch alone:

        QUEUED -> ACCEPTED | REFUSED | UNRESOLVED | CANCELLED

    `delivery_state`, `status`, the newest prices and the gateway's times are written by results
    alone.

    `reference` is the first 32 hex digits of SHA-256 over campaign uuid, msisdn and send number:
    whoever rebuilds this row gets the same one, and the gateway refuses the second send of it.
    """

    # No constraint in the database, as its check would double the cost of the freeze; a campaign
    # with recipients is never deleted.
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="recipients"
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    country = models.CharField(max_length=2, blank=True)
    # the merge fields that the message uses, as they were at launch
    fields = models.JSONField(default=dict)
    reference = models.CharField(max_length=32)
    batch_number = models.PositiveIntegerField()
    send_state = models.CharField(
        max_length=10, choices=SendState.choices, default=SendState.QUEUED
    )
    error_code = models.PositiveSmallIntegerField(null=True)  # the gateway's, where it refused
    # ours: why cancelled, or refused before the gateway saw it
    reason = models.CharField(max_length=20, blank=True)
    gateway_id = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    charged = AmountField(null=True)  # what the gateway said at the send

    delivery_state = models.CharField(
        max_length=13, choices=DeliveryState.choices, blank=True, default=""
    )
    status = models.CharField(max_length=30, blank=True)  # the gateway's own word, kept as it came
    final = models.BooleanField(default=False)  # nothing more will come of it
    viber_price = AmountField(null=True)  # the newest price, as results reads it
    sms_price = AmountField(null=True)
    sms_status = models.CharField(max_length=30, blank=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            # finds one person's messages too
            models.UniqueConstraint("msisdn", "campaign", name="recipient_once"),
            models.UniqueConstraint("reference", name="recipient_reference"),
        ]
        indexes = [
            models.Index(
                "campaign", "batch_number", name="recipient_batch"
            ),  # the people of a batch; pages go by it too
            # filters by a state that few may be in: nobody is in these at the freeze, and being
            # accepted moves nobody
            models.Index(
                "campaign", "delivery_state", "batch_number", "id", name="recipient_told",
                condition=Q(
                    delivery_state__in=[
                        "waiting", "sent", "not_delivered", "fallback", "sms_delivered",
                    ]
                ),
            ),
            models.Index(
                "campaign", "reason", "batch_number", "id", name="recipient_ended",
                condition=Q(error_code__isnull=False) | ~Q(reason=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class BatchState(models.TextChoices):
    READY = "ready", _("Ready")
    LEASED = "leased", _("Claimed")
    SENDING = "sending", _("On the wire")
    AMBIGUOUS = "ambiguous", _("Outcome unknown")
    DONE = "done", _("Done")


class Batch(models.Model):
    """Up to 50 recipients of one country and area, membership fixed for good: what one request
    carries.

        READY -> LEASED -> SENDING -> DONE
          ^         |         |
          +---------+     AMBIGUOUS -> DONE | READY (never accepted: sent with the same references)

    What is sent of a batch is whoever in it is still QUEUED.
    """

    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="batches"
    )
    number = models.PositiveIntegerField()  # within the campaign; recipients carry it
    country = models.CharField(max_length=2, blank=True)
    # where a country has several time zones: see zones.py
    area = models.CharField(max_length=AREA_KEY_MAX, blank=True)
    size = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.READY)
    token = models.CharField(max_length=32, blank=True)  # whose claim it is
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)  # READY, AMBIGUOUS: not to be touched earlier
    # requests that may have reached the gateway
    attempts = models.PositiveSmallIntegerField(default=0)
    # rounds of asking by reference since the last request
    asked = models.PositiveSmallIntegerField(default=0)
    # when the intent was committed: the last time a request may have left
    intended_at = models.DateTimeField(null=True, db_column="sent_at")
    first_sent_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    # the worst case of what is on its way, against the campaign's budget and the month's
    held = AmountField(null=True)
    held_currency = models.CharField(max_length=3, blank=True)
    # written by results: when this batch's open messages are worth asking for
    check_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [models.UniqueConstraint("campaign", "number", name="batch_number")]
        indexes = [
            # the claim
            models.Index("campaign", "number", name="batch_ready", condition=Q(state="ready")),
            models.Index(
                "state", "lease_until", name="batch_open", condition=~Q(state__in=["ready", "done"])
            ),  # the sweep
            models.Index(
                "campaign", "held", name="batch_held", condition=Q(held__isnull=False)
            ),  # the budgets: what is held
            # results: what is due
            models.Index("check_at", name="batch_check", condition=Q(check_at__isnull=False)),
            models.Index(
                "done_at", name="batch_unchecked", condition=Q(state="done", checks=0)
            ),  # results: what is new
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}"


class Tally(models.Model):
    """How many recipients of a campaign stand where: the counts of every page, so that none of them
    scans.

    Moved in the transaction that moves the recipients; rebuilt by `manage.py rebuild_totals`.
    Queued recipients are not tallied: they are the audience less everybody else. Writers spread
    over `shard`; readers sum over it.
    """

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, db_constraint=False, related_name="+")
    country = models.CharField(max_length=2, blank=True)
    send_state = models.CharField(max_length=10, choices=SendState.choices)
    error_code = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=20, blank=True)
    delivery_state = models.CharField(max_length=13, blank=True)
    status = models.CharField(max_length=30, blank=True)
    shard = models.PositiveSmallIntegerField(default=0)
    recipients = models.IntegerField(default=0)

    SHARDS = SHARDS

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(
                "campaign",
                "country",
                "send_state",
                "error_code",
                "reason",
                "delivery_state",
                "status",
                "shard",
                name="tally_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.send_state} {self.recipients}"


class Evidence(models.Model):
    """The gateway's answer to a batch that failed or whose outcome was unknown, without the key."""

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, db_constraint=False, related_name="+")
    batch_number = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=200)
    http_status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)

    class Meta:
        verbose_name = _("answer of the gateway")
        verbose_name_plural = _("answers of the gateway")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.what


class Pace(models.Model):
    """How fast the account ("account") or one campaign ("campaign:12") may send, over all workers;
    "statuses": ask.

    See pacing.py.
    """

    scope = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    tokens = models.FloatField(default=0)  # recipients that may leave, or be asked for, now
    # how often in a row the gateway asked for less; 0: full speed
    step = models.PositiveSmallIntegerField(default=0)
    until = models.DateTimeField(null=True)  # nobody sends earlier

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")

    def __str__(self) -> str:
        return self.scope


class Heartbeat(models.Model):
    """Somebody at work: "sweep", or a seat of the senders that one process holds until `until`."""

    name = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
