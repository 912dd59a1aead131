"""Hints, hourly counts, sampled statuses, checks of the gateway, statistics files and removals of
old data; other results are columns of `Recipient`.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Recipient
from campaigns.shared.brands.models import ParentBrandManager
from campaigns.shared.money import AmountField
from campaigns.team.models import GatewayAccount


class StatusHint(models.Model):
    """A recipient whose status changed, by a delivery report; deleted when polling takes it."""

    recipient = models.OneToOneField(
        Recipient, models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="+"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("status hint")
        verbose_name_plural = _("status hints")

    def __str__(self) -> str:
        return str(self.recipient_id)


class UnreachedMessage(models.Model):
    """A message that failed because of its phone, until the nightly job has looked at the phone
    (stop_proposals/nightly.py). Recipients have no column that says when they became final.
    """

    recipient_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("unreached message")
        verbose_name_plural = _("unreached messages")

    def __str__(self) -> str:
        return str(self.recipient_id)


class Measure(models.TextChoices):
    """What is counted by the hour: by its own hour, or by the hour of sending."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered by Viber")
    READ = "read", _("Read")
    SENT_DELIVERED = "sent_delivered", _("Delivered, by the hour of sending")
    SENT_READ = "sent_read", _("Read, by the hour of sending")


class HourCount(models.Model):
    """How many messages of a campaign were sent, delivered or read in the hour from `hour` on.

    Changed in the transaction that changes the recipients; `manage.py rebuild_totals` rebuilds it.
    """

    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    measure = models.CharField(max_length=14, choices=Measure.choices)
    hour = models.DateTimeField()
    people = models.IntegerField(default=0)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        verbose_name = _("hourly count")
        verbose_name_plural = _("hourly counts")
        constraints = [
            models.UniqueConstraint("campaign", "measure", "hour", name="hour_count_unique")
        ]
        indexes = [models.Index("hour", name="hour_count_hour")]  # for the best hours of a period

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.measure} {self.hour}: {self.people}"


class SampledStatus(models.Model):
    """A settled message that was checked at night: what the ledger has, and what the gateway says.

    It is shown to users and changes nothing.
    """

    day = models.DateField()
    recipient = models.ForeignKey(
        Recipient, models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    campaign_id = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    entered = AmountField(null=True)  # the sum of the recipient's entries
    # Viber and SMS together, by the gateway; None: it named no price
    reported_amount = AmountField(null=True, db_column="said")
    status = models.CharField(max_length=30, blank=True)  # as it is in ViberDash
    # by the gateway; "": it does not know the message
    reported_status = models.CharField(max_length=30, blank=True, db_column="status_said")
    agrees = models.BooleanField()

    class Meta:
        verbose_name = _("sampled status")
        verbose_name_plural = _("sampled statuses")
        ordering = ["-day", "id"]
        constraints = [models.UniqueConstraint("day", "recipient", name="sampled_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.recipient_id}"


class StepState(models.TextChoices):
    """What came of a step of a check."""

    PASSED = "passed", _("Passed")
    WARNING = "warning", _("Warning")
    FAILED = "failed", _("Failed")
    RUNNING = "running", _("Running")
    NOT_TRIED = "not_tried", _("Not tried")


class GatewayCheck(models.Model):
    """A check of the connected account, step by step (results/gateway_check). The newest are kept.

    It has no phone: that of its message is the recipient's.
    """

    # of the form that started it: a form that is submitted twice starts one check
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField(auto_now_add=True)
    # nothing more comes since then: all steps have their outcome, or their time is over
    ended_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    account = models.ForeignKey(GatewayAccount, models.SET_NULL, null=True, related_name="+")
    sender = models.CharField(max_length=14, blank=True)
    steps = models.JSONField(default=list)  # of gateway_check.steps.Step, in their order
    samples = models.JSONField(default=list)  # of gateway_check.samples.Sample
    # the message to one's own phone, and its reference, which delivery reports name
    campaign = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="+")
    reference = models.CharField(max_length=32, blank=True)
    reported_at = models.DateTimeField(null=True)  # the first delivery report for it
    asked_at = models.DateTimeField(null=True)  # its status was asked for, by id and by reference

    class Meta:
        verbose_name = _("gateway check")
        verbose_name_plural = _("gateway checks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class WhyOff(models.TextChoices):
    """Why an account's statistics files are switched off."""

    NONE = "", _("They were not tried yet.")
    TRIAL = "trial", _("They did not work when they were tried.")
    MISMATCH = "mismatch", _("A file did not agree with a single status.")
    NOT_THERE = "not_there", _("The gateway does not offer them.")
    ADMINISTRATOR = "administrator", _("An administrator switched them off.")


class StatusFileUse(models.Model):
    """Whether statuses of an account are asked for by statistics files; no row: not tried.

        not tried -> on (seen to work) -> off (by a mismatch or an administrator) -> on

    See polling/file_use.py.
    """

    account = models.OneToOneField(
        GatewayAccount, models.CASCADE, primary_key=True, related_name="status_file_use"
    )
    tried_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # when they were seen to work, if they still may
    takes_windows = models.BooleanField(default=False)  # seen to work by window too
    is_on = models.BooleanField(default=False)
    why_off = models.CharField(max_length=13, choices=WhyOff.choices, blank=True)
    detail = models.CharField(max_length=300, blank=True)  # of `why_off`, in English
    off_at = models.DateTimeField(null=True)
    # On, but not used earlier: somebody else's files take all the room, or one was never ready.
    paused_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("use of statistics files")
        verbose_name_plural = _("uses of statistics files")

    def __str__(self) -> str:
        return f"{self.account_id}: {'on' if self.is_on else 'off'}"

    def is_usable(self, now: datetime) -> bool:
        """Whether files may be asked for now."""
        return self.is_on and (self.paused_until is None or self.paused_until <= now)


class StatusFile(models.Model):
    """A statistics file that we asked the gateway for, until it is deleted there.

    Its row is written before the gateway is asked, so that no file of ours is forgotten.
    """

    account = models.ForeignKey(GatewayAccount, models.CASCADE, related_name="+")
    mark = models.CharField(max_length=64)  # recognizes it in the list if its key is not known
    key = models.CharField(max_length=100, blank=True)
    asked_at = models.DateTimeField()
    look_at = models.DateTimeField()  # when to look whether it is ready; claimed by moving it
    # The `check_at` of its batches: afterwards they are asked for by single calls.
    until = models.DateTimeField()
    is_over = models.BooleanField(default=False)  # read or given up: only to be deleted

    class Meta:
        verbose_name = _("status file")
        verbose_name_plural = _("status files")

    def __str__(self) -> str:
        return self.key or self.mark[:8]


class StatusFileBatch(models.Model):
    """A batch whose recipients a file is about."""

    file = models.ForeignKey(StatusFile, models.CASCADE, related_name="batches")
    batch = models.ForeignKey(Batch, models.DO_NOTHING, db_constraint=False, related_name="+")

    class Meta:
        verbose_name = _("batch of a status file")
        verbose_name_plural = _("batches of status files")

    def __str__(self) -> str:
        return f"{self.file_id}: {self.batch_id}"


class OldDataRemoval(models.Model):
    """What the nightly job of a day deleted (retention/nightly.py)."""

    day = models.DateField(unique=True)
    removed = models.JSONField(default=dict)  # name of a kind -> rows or files
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)  # nothing old was left

    class Meta:
        verbose_name = _("removal of old data")
        verbose_name_plural = _("removals of old data")
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"
