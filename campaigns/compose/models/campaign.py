"""The campaign: its message, its audience, its schedule and its state."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models.labels import Label
from campaigns.compose.models.library import CampaignTemplate, Sender
from campaigns.compose.models.segments import RecipientOutcome, Segment
from campaigns.compose.schedule.sending_hours import Hours, Timetable
from campaigns.contacts.models import ContactList
from campaigns.gateway import limits
from campaigns.ledger.models import Purpose
from campaigns.shared.money import AmountField


class CampaignState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    AWAITING_APPROVAL = "awaiting_approval", _("Waiting for approval")
    SCHEDULED = "scheduled", _("Scheduled")
    PREPARING = "preparing", _("Preparing")
    SENDING = "sending", _("Sending")
    PAUSED = "paused", _("Paused")
    FINISHED = "finished", _("Finished")
    CANCELLED = "cancelled", _("Cancelled")


class Timing(models.TextChoices):
    NOW = "now", _("Now")
    AT = "at", _("Schedule")
    LOCAL = "local", _("At the recipient's local time")
    GATEWAY = "gateway", _("Schedule at the gateway (can't be cancelled)")


class Campaign(models.Model):
    """A message, its audience and where its sending stands. `state` is written by
    compose/launch/lifecycle.py alone.

    DRAFT -> (AWAITING_APPROVAL) -> SCHEDULED -> PREPARING -> SENDING -> FINISHED
      ^              |                  |            |          |
      +-- returned --+                  +---------- PAUSED -----+      any of them -> CANCELLED
    """

    uuid = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # part of every reference, so random and never reused
    name = models.CharField(_("name"), max_length=100)
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.CAMPAIGN)
    state = models.CharField(
        _("state"), max_length=17, choices=CampaignState.choices, default=CampaignState.DRAFT
    )
    # why it is paused: a key of lifecycle.REASONS
    reason = models.CharField(max_length=40, blank=True)
    reason_detail = models.CharField(max_length=300, blank=True)

    sender = models.ForeignKey(
        Sender, models.PROTECT, verbose_name=_("sender"), null=True, blank=True
    )
    text = models.TextField(_("text"), blank=True)
    image = models.FileField(_("image"), upload_to="pictures/", blank=True)
    image_url = models.CharField(_("image URL"), max_length=limits.URL_MAX, blank=True)
    button_caption = models.CharField(
        _("button caption"), max_length=limits.CAPTION_MAX, blank=True
    )
    button_url = models.CharField(_("button link"), max_length=2000, blank=True)
    sms_sender = models.CharField(
        _("SMS sender"), max_length=limits.SMS_SENDER_DIGITS_MAX, blank=True
    )
    sms_text = models.TextField(_("SMS text"), blank=True)
    promotional = models.BooleanField(_("promotional"), default=True)
    validity = models.PositiveIntegerField(_("validity period"), default=limits.VALIDITY_MAX)
    tariff = models.PositiveSmallIntegerField(_("tariff"), default=0)

    lists = models.ManyToManyField(
        ContactList, verbose_name=_("lists"), blank=True, related_name="+"
    )
    exclude_lists = models.ManyToManyField(
        ContactList, verbose_name=_("excluded lists"), blank=True, related_name="+"
    )
    segments = models.ManyToManyField(
        Segment, verbose_name=_("segments"), blank=True, related_name="+"
    )
    exclude_segments = models.ManyToManyField(
        Segment, verbose_name=_("excluded segments"), blank=True, related_name="+"
    )
    timing = models.CharField(_("timing"), max_length=7, choices=Timing.choices, default=Timing.NOW)
    scheduled_at = models.DateTimeField(_("time"), null=True, blank=True)
    # the zone `scheduled_at` was said in
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    # by the recipients' own clocks, as "2026-11-24T10:00"; then `scheduled_at` is when the first of
    # them shows it
    local_at = models.CharField(max_length=16, blank=True)
    budget = AmountField(_("budget"), null=True, blank=True)
    # both or neither: by the clock of whoever gets it, nobody is sent to outside of them
    sends_from = models.TimeField(_("sending hours from"), null=True, blank=True)
    sends_until = models.TimeField(_("sending hours until"), null=True, blank=True)
    # over all workers
    rate = models.PositiveIntegerField(_("send rate per second"), null=True, blank=True)

    labels = models.ManyToManyField(
        Label, verbose_name=_("labels"), blank=True, related_name="campaigns"
    )
    # since then it is not in the list; reports count it
    archived_at = models.DateTimeField(null=True, blank=True)

    made_from = models.ForeignKey(
        CampaignTemplate, models.SET_NULL, null=True, blank=True, related_name="campaigns"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    launched_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # written by lifecycle: whether a second person had to approve, and what exactly they did
    approval_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approval_asked_at = models.DateTimeField(null=True, blank=True)
    # approval.py: of what was asked for
    approval_fingerprint = models.CharField(max_length=64, blank=True, db_column="approval_seal")
    approval_note = models.CharField(max_length=500, blank=True)  # why it was returned
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # when it passed the gate, approved or below
    approved_people = models.PositiveIntegerField(null=True, blank=True)
    # a rehearsal: the draft that it is one of, and how far that draft was then
    rehearsal_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="rehearsals"
    )
    rehearsed_at = models.DateTimeField(null=True, blank=True)  # its `updated_at`
    # the audience is complete since then; written by lifecycle
    frozen_at = models.DateTimeField(null=True, blank=True)
    audience = models.PositiveIntegerField(null=True, blank=True)  # recipients, known once frozen

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        indexes = [
            # the sweep and the senders: what is at work now
            models.Index(
                "state",
                name="campaign_state",
                condition=~models.Q(state__in=["draft", "finished", "cancelled"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("campaign-detail", args=[self.pk])

    @property
    def is_rehearsal(self) -> bool:
        return self.purpose == Purpose.REHEARSAL

    @property
    def sending_hours(self) -> Hours | None:
        """When it may be sent, by the recipient's clock; None: at any hour."""
        return (
            Hours(self.sends_from, self.sends_until)
            if self.sends_from and self.sends_until
            else None
        )

    @sending_hours.setter
    def sending_hours(self, hours: Hours | None) -> None:
        self.sends_from, self.sends_until = (hours.start, hours.end) if hours else (None, None)

    @property
    def local_time(self) -> datetime | None:
        """The time by the recipients' own clocks, without a zone; None where it is meant by one
        clock for all.
        """
        return (
            datetime.fromisoformat(self.local_at)
            if self.timing == Timing.LOCAL and self.local_at
            else None
        )

    @property
    def timetable(self) -> Timetable | None:
        """What its people wait for, each by their own clock; None: for nothing. The gateway waits
        for nobody.
        """
        wanted = Timetable(self.sending_hours, self.local_time)
        return None if self.timing == Timing.GATEWAY or wanted == Timetable() else wanted


class EarlierCampaign(models.Model):
    """The recipients of an earlier campaign as a part of another one's audience, or left out of
    it.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="earlier")
    source = models.ForeignKey(Campaign, models.PROTECT, related_name="+")
    outcome = models.CharField(
        max_length=13, choices=RecipientOutcome.choices, default=RecipientOutcome.ALL
    )
    left_out = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "campaign", "source", "outcome", "left_out", name="earlier_campaign_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.get_outcome_display()}"


class Editing(models.Model):
    """Somebody has a draft open: told to others who open it, forgotten a while after their page is
    gone.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("campaign", "user", name="editing_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.user_id}"
