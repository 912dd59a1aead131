"""The frozen audience: recipients and batches, their counts, and what sending them needs."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import AREA_KEY_MAX
from campaigns.contacts.models import MSISDN_LENGTH
from campaigns.ledger.models import SHARDS
from campaigns.shared.brands.models import ParentBrandManager
from campaigns.shared.money import AmountField


class Snapshot(models.Model):
    """How far the audience of a campaign is frozen, and the counts that came of it.

    `in_lists` is everybody chosen, from lists or otherwise, and `left` are the recipients:
    `in_lists` = `repeated` + `stop_listed` + `excluded` + `without_consent` + `capped` + `left`.
    Lists are read in the order of their ids, each by contact id.
    """

    campaign = models.OneToOneField(Campaign, models.CASCADE, primary_key=True)
    # "The last 30 days" of a segment count back from here.
    begun_at = models.DateTimeField(default=timezone.now)
    list_id = models.BigIntegerField(default=0)  # the list under the cursor
    contact_id = models.BigIntegerField(default=0)  # contacts up to this id are done
    batches = models.PositiveIntegerField(default=0)
    in_lists = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    stop_listed = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    # who had reached the frequency cap
    capped = models.PositiveIntegerField(default=0, db_default=0)
    without_consent = models.PositiveIntegerField(default=0, db_default=0)
    left = models.PositiveIntegerField(default=0)
    complete = models.BooleanField(default=False)
    # The merge fields of recipients are deleted in batches up to this one.
    fields_removed_to = models.PositiveIntegerField(default=0, db_default=0)
    # Country and area of its batches: [["US", "America/Denver"], …].
    places = models.JSONField(default=list)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.left}"


# The `sms_currency` of SMS that cost different currencies: only the ledger has their prices.
SEVERAL_CURRENCIES = "*"
# The phone of an erased recipient is this and the row's id: unique, and no number.
ERASED_PREFIX = "x"


class SendState(models.TextChoices):
    """Whether the gateway accepted a recipient's message."""

    QUEUED = "queued", _("Queued")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")
    UNRESOLVED = "unresolved", _("Unresolved")
    CANCELLED = "cancelled", _("Cancelled")


class DeliveryState(models.TextChoices):
    """The state of an accepted message, in the order in which it may change."""

    NONE = "", _("Not yet known")
    WAITING = "waiting", _("Waiting")  # at the gateway
    SENT = "sent", _("Sent")
    NOT_DELIVERED = "not_delivered", _("Not delivered")
    FALLBACK = "fallback", _("By SMS")  # Viber did not reach them, and the SMS was sent
    FALLBACK_DELIVERED = "sms_delivered", _("By SMS, delivered")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")


class Recipient(models.Model):
    """One phone in one campaign, frozen at launch: what is sent exactly once.

    Only dispatch writes `send_state`:

        QUEUED -> ACCEPTED | REFUSED | UNRESOLVED | CANCELLED

    Only results writes `delivery_state`, `status`, the newest prices and the gateway's times.

    `reference` is the first 32 hex digits of SHA-256 over campaign uuid, msisdn and send number.
    So a row that is created again gets the same one, and the gateway refuses its second send.
    """

    # No constraint in the database: its check would double the cost of the freeze, and a campaign
    # with recipients is never deleted.
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="recipients"
    )
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    country = models.CharField(max_length=2, blank=True)
    # The merge fields that the message uses, as they were at launch.
    fields = models.JSONField(default=dict)
    reference = models.CharField(max_length=32)
    batch_number = models.PositiveIntegerField()
    send_state = models.CharField(
        max_length=10, choices=SendState.choices, default=SendState.QUEUED
    )
    # Of the gateway, if it refused. 43 of a queued recipient: it had the reference already.
    error_code = models.PositiveSmallIntegerField(null=True)
    # Of ViberDash: why cancelled, or refused before it was sent to the gateway.
    reason = models.CharField(max_length=20, blank=True)
    gateway_id = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    charged = AmountField(null=True)  # the price named when it was accepted

    delivery_state = models.CharField(
        max_length=13, choices=DeliveryState.choices, blank=True, default=""
    )
    status = models.CharField(max_length=30, blank=True)  # the gateway's word, unchanged
    final = models.BooleanField(default=False)  # the status will not change any more
    viber_price = AmountField(null=True)  # the newest price
    sms_price = AmountField(null=True)
    # With `sms_price`. "": that of the message, in rows written before this column was there.
    sms_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    sms_status = models.CharField(max_length=30, blank=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            # Also finds all messages to a phone.
            models.UniqueConstraint("msisdn", "campaign", name="recipient_once"),
            models.UniqueConstraint("reference", name="recipient_reference"),
        ]
        indexes = [
            models.Index(
                "campaign", "batch_number", name="recipient_batch"
            ),  # the recipients of a batch; pages of recipients use it too
            # Filters by states that few may be in. Freezing and accepting write to none of these
            # indexes.
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

    @property
    def currency_of_sms(self) -> str:
        """The currency of `sms_price`, or SEVERAL_CURRENCIES."""
        return self.sms_currency or self.currency


class BatchState(models.TextChoices):
    """Where a batch is between claim and record."""

    WAITING = "waiting", _("Waiting for the decision")
    READY = "ready", _("Ready")
    LEASED = "leased", _("Claimed")
    SENDING = "sending", _("Being sent")
    AMBIGUOUS = "ambiguous", _("Outcome unknown")
    DONE = "done", _("Done")


class Batch(models.Model):
    """Up to 50 recipients of one country and area, sent by one request. Its recipients are fixed.

        WAITING -> READY -> LEASED -> SENDING -> DONE
                     ^         |         |
                     +---------+     AMBIGUOUS -> DONE | READY (not accepted: sent with the same
                                                                references)

    WAITING is the rest of the audience of a campaign that tests variants, until one has won. A
    request contains those of its recipients who are still QUEUED.
    """

    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="batches"
    )
    number = models.PositiveIntegerField()  # within the campaign; recipients carry it
    country = models.CharField(max_length=2, blank=True)
    # In countries with several time zones: see compose/schedule/time_zones.py.
    area = models.CharField(max_length=AREA_KEY_MAX, blank=True)
    size = models.PositiveSmallIntegerField()
    # The variant that its recipients get; "" without variants, and for those who get the winner.
    variant = models.CharField(max_length=1, blank=True, default="", db_default="")
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.READY)
    token = models.CharField(max_length=32, blank=True)  # of the sender that claimed it
    lease_until = models.DateTimeField(null=True)
    # READY, AMBIGUOUS: not sent or asked for earlier. DONE: when to ask on about the unresolved.
    not_before = models.DateTimeField(null=True)
    # Requests that may have reached the gateway.
    attempts = models.PositiveSmallIntegerField(default=0)
    # How often it was asked for by reference since the last request.
    asked = models.PositiveSmallIntegerField(default=0)
    # How often its answer refused single recipients with an error that says nothing.
    entry_errors = models.PositiveSmallIntegerField(default=0, db_default=0)
    # When the last intent was committed: a request may have left since then.
    intended_at = models.DateTimeField(null=True, db_column="sent_at")
    # The last moment at which a byte of its requests may have been under way.
    in_flight_until = models.DateTimeField(null=True)
    first_sent_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    # The most that one of its recipients can cost; NULL: it was sent without a budget.
    worst_case = AmountField(null=True)
    # The amount reserved in the budgets for messages under way: see budgets/holds.py.
    held = AmountField(null=True)
    held_currency = models.CharField(max_length=3, blank=True)
    # Written by results: when to poll the statuses of its messages.
    check_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)
    # When the gateway was last asked about its messages, and when it last answered about all that
    # it was asked for.
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [models.UniqueConstraint("campaign", "number", name="batch_number")]
        indexes = [
            # The claim.
            models.Index("campaign", "number", name="batch_ready", condition=Q(state="ready")),
            models.Index(
                "state", "lease_until", name="batch_open", condition=~Q(state__in=["ready", "done"])
            ),  # the sweep
            models.Index(
                "not_before",
                name="batch_unresolved",
                condition=Q(state="done", not_before__isnull=False),
            ),  # unresolved recipients: what is due
            models.Index(
                "campaign", "held", name="batch_held", condition=Q(held__isnull=False)
            ),  # budgets: what is reserved
            # Results: what is due.
            models.Index("check_at", name="batch_check", condition=Q(check_at__isnull=False)),
            models.Index(
                "done_at", name="batch_unchecked", condition=Q(state="done", checks=0)
            ),  # results: what is new
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}"


class Tally(models.Model):
    """How many recipients of a campaign are in each state: the counts that all pages read.

    Written in the transaction that changes the recipients; rebuilt by `manage.py rebuild_totals`.
    Queued recipients are not counted: they are the rest of the audience. Writers are spread over
    `shard`; readers sum over it.
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

    objects = ParentBrandManager.of("campaign")

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
    """An unusual answer of the gateway to a batch, without the API key."""

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, db_constraint=False, related_name="+")
    batch_number = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=200)
    http_status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("gateway response")
        verbose_name_plural = _("gateway responses")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.what


class Pace(models.Model):
    """A send rate over all workers: a bucket of tokens. See send/rate_control.py.

    `scope`: "campaign:12", or "statuses" for the rate of asking for statuses.
    """

    scope = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    tokens = models.FloatField(default=0)  # recipients that may be sent to, or asked for, now
    # How often in a row questions were not answered; 0: full speed.
    step = models.PositiveSmallIntegerField(default=0)
    until = models.DateTimeField(null=True)  # nothing is sent earlier

    class Meta:
        verbose_name = _("send rate")
        verbose_name_plural = _("send rates")

    def __str__(self) -> str:
        return self.scope


class AccountRate(models.Model):
    """How fast the gateway takes messages of an account: one row for all workers.

    Its id is that of the account. See send/account_rate.py.
    """

    rate = models.FloatField(null=True)  # recipients a second; None: no limit is known
    tokens = models.FloatField(default=0)  # recipients that may be sent to at the moment `at`
    at = models.DateTimeField()
    cut_at = models.DateTimeField(null=True)  # when the rate was last lowered
    # Since then answers are counted; None: they are not.
    window_at = models.DateTimeField(null=True)
    accepted = models.PositiveIntegerField(default=0)  # recipients
    requests = models.PositiveIntegerField(default=0)
    throttled = models.PositiveIntegerField(default=0)  # of these requests
    until = models.DateTimeField(null=True)  # nothing leaves earlier
    failures = models.PositiveSmallIntegerField(default=0)  # in a row; 0: the gateway answers
    failed_at = models.DateTimeField(null=True)  # when the last one was recorded
    is_trial = models.BooleanField(default=False)  # it answers again: one batch may leave
    success_at = models.DateTimeField(null=True)  # about when it last accepted anybody

    class Meta:
        verbose_name = _("account rate")
        verbose_name_plural = _("account rates")

    def __str__(self) -> str:
        return f"{self.rate}"


class Heartbeat(models.Model):
    """A sign of life of `name`, or a worker slot that one process holds until `until`."""

    name = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
