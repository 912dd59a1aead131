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
from campaigns.compose.schedule.sending_hours import SendingHours, Timetable
from campaigns.contacts.models import ContactList
from campaigns.gateway import limits
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.models import Branded, ParentBrandManager
from campaigns.shared.money import AmountField
from campaigns.team.models import GatewayAccount


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
    AFTER = "after", _("After another campaign")


class VariantSplit(models.TextChoices):
    TEST = "test", _("Test on a part of the audience, then send the winner to the rest")
    EVEN = "even", _("Divide the whole audience evenly")


class DecisionMeasure(models.TextChoices):
    """What the variant that wins has most of, of its accepted messages."""

    READ = "read", _("Reads")
    CLICK = "click", _("Clicks")
    CONVERSION = "conversion", _("Conversions")


class Campaign(Branded):
    """A message with its audience, its schedule and its state.

    Only compose/launch/lifecycle.py writes `state`:

    DRAFT -> (AWAITING_APPROVAL) -> SCHEDULED -> PREPARING -> SENDING -> FINISHED
      ^              |                  |            |          |
      +-- changes ---+                  +---------- PAUSED -----+      any of them -> CANCELLED
    """

    uuid = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # part of every reference: never used again; random, but for runs of series
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
    # a name that is no sender, as autosave got it: shown as not usable until it is one
    new_sender = models.CharField(
        max_length=limits.SENDER_MAX, blank=True, default="", db_default=""
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
    # what of its links is tracked, as long as it is a draft
    track_links = models.BooleanField(_("track clicks"), default=True, db_default=True)
    # the links that are not, as they stand in the texts
    untracked_links = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField())
    )
    # whether tracked links pass on who opened them, in the parameter vd_click of their addresses
    track_conversions = models.BooleanField(_("track conversions"), default=False, db_default=False)
    # Of a launched campaign: what stands before the codes, and each tracked link as
    # ["text", start, end]. Fixed, so that a message is the same whenever it is sent.
    link_base = models.CharField(max_length=300, blank=True, default="", db_default="")
    tracked_links = models.JSONField(null=True, blank=True, editable=False)
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
    # the zone in which `scheduled_at` was entered
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    # the recipients' local time, as "2026-11-24T10:00"; `scheduled_at` is then the moment when the
    # first of their time zones reaches it
    local_at = models.CharField(max_length=16, blank=True)
    # of a follow-up: the campaign that it waits for, and for how many hours after its end. Set when
    # its draft is made (launch/follow_ups.py); without effect where `timing` is another.
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="follow_ups"
    )
    follow_hours = models.PositiveSmallIntegerField(_("hours after"), null=True, blank=True)
    budget = AmountField(_("budget"), null=True, blank=True)
    # Set at the launch and with a new budget; "": the first batch sets it, by its price.
    budget_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    # What did not fit when a budget paused it: it continues by itself when that fits.
    awaited_amount = AmountField(null=True, blank=True)
    awaited_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    # What differs in variants B to D from A, the campaign's own message: message/variants.py.
    variants = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    variant_split = models.CharField(
        max_length=4, choices=VariantSplit.choices, default=VariantSplit.TEST, db_default="test"
    )
    test_share = models.PositiveSmallIntegerField(default=20, db_default=20)  # per cent
    decision_measure = models.CharField(
        max_length=10, choices=DecisionMeasure.choices, default=DecisionMeasure.READ,
        db_default="read",
    )  # fmt: skip
    # after the last message of the test was accepted
    decision_hours = models.PositiveSmallIntegerField(default=4, db_default=4)
    decides_itself = models.BooleanField(default=True, db_default=True)  # else a user does
    # Of a launched campaign: the tracked links of each of `variants`, as `tracked_links`.
    variant_links = models.JSONField(null=True, blank=True, editable=False)
    # The variant that the rest of the audience gets: set once, by dispatch/variants.py.
    winner = models.CharField(max_length=1, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    # None: ViberDash itself
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # both or neither; in the recipient's local time
    sends_from = models.TimeField(_("sending hours from"), null=True, blank=True)
    sends_until = models.TimeField(_("sending hours until"), null=True, blank=True)
    # instead of the frequency cap of the brand, both or neither; no messages: no cap limits it
    cap_messages = models.PositiveSmallIntegerField(null=True, blank=True)
    cap_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # of all workers together
    rate = models.PositiveIntegerField(_("send rate per second"), null=True, blank=True)

    labels = models.ManyToManyField(
        Label, verbose_name=_("labels"), blank=True, related_name="campaigns"
    )
    # hidden from the list since then; reports still count it
    archived_at = models.DateTimeField(null=True, blank=True)

    made_from = models.ForeignKey(
        CampaignTemplate, models.SET_NULL, null=True, blank=True, related_name="campaigns"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # who saved the draft last; not for copies
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # the one-time token that the draft was last saved with: who repeats it has not got the answer
    save_token = models.CharField(max_length=32, null=True, blank=True, unique=True, editable=False)
    launched_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # written by lifecycle: who asked for approval, of what, and who approved it
    approval_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approval_asked_at = models.DateTimeField(null=True, blank=True)
    # launch/approval.py: of the content to approve
    approval_fingerprint = models.CharField(max_length=64, blank=True, db_column="approval_seal")
    # of a follow-up: the maximum cost by currency that approval was asked or given for
    approval_limit = models.JSONField(null=True, blank=True, editable=False)
    approval_note = models.CharField(max_length=500, blank=True)  # why changes were requested
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # recipients when it was approved, or needed no approval
    approved_people = models.PositiveIntegerField(null=True, blank=True)
    # the campaign that a rehearsal, a test or a resend was made from, and of a rehearsal the
    # draft's `updated_at` at that time
    rehearsal_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="rehearsals"
    )
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    # of a test: the ids of the contacts it goes to, fixed at its launch
    test_contacts = models.JSONField(null=True, blank=True, editable=False)
    # whose messages these are, since the launch; None for a rehearsal, and for a campaign from
    # before there were accounts: it belongs to the first one
    account = models.ForeignKey(
        GatewayAccount, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # of a run of a trigger: events add recipients until `open_until`
    trigger = models.ForeignKey(
        "campaigns.Trigger", models.PROTECT, null=True, blank=True, editable=False,
        related_name="runs",
    )  # fmt: skip
    open_until = models.DateTimeField(null=True, blank=True, editable=False)
    # of a run of a series: its day, which conditions on days take for today, and with how many
    # recipients at most it goes out without being asked about
    run_day = models.DateField(null=True, blank=True, editable=False)
    people_max = models.PositiveIntegerField(null=True, blank=True, editable=False)
    # the recipients are complete since then; written by lifecycle
    frozen_at = models.DateTimeField(null=True, blank=True)
    audience = models.PositiveIntegerField(null=True, blank=True)  # recipients; None until frozen

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        indexes = [
            # for the sweep and the senders: the campaigns in progress
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
    def is_open_follow_up(self) -> bool:
        """Whether nobody knows yet who of the recipients of another campaign it goes to."""
        is_fixed = self.frozen_at is not None or self.state == CampaignState.PREPARING
        return self.timing == Timing.AFTER and self.follows_id is not None and not is_fixed

    @property
    def has_short_links(self) -> bool:
        """Whether recipients get short links."""
        has_links = bool(self.tracked_links) or any(self.variant_links or ())
        return has_links and not self.is_rehearsal

    @property
    def is_tested(self) -> bool:
        """Whether a part of the audience gets its variants first, and the rest the winner."""
        return bool(self.variants) and self.variant_split == VariantSplit.TEST

    @property
    def is_tracked(self) -> bool:
        """Whether one of these leads to a link of the message, so that clicks can come. Tags such
        as {unsubscribe} have none.
        """
        if not self.has_short_links:
            return False
        own = {"text": self.text, "button_url": self.button_url, "sms_text": self.sms_text}
        messages = [(own, self.tracked_links)]
        others = ({**own, **other} for other in self.variants)
        messages += zip(others, self.variant_links or (), strict=False)
        return any(
            not message[field].startswith("{", start)
            for message, links in messages
            for field, start, _end in links or ()
        )

    @property
    def tracks_conversions(self) -> bool:
        """Whether what recipients do after a click can be reported."""
        return self.track_conversions and self.is_tracked

    @property
    def sending_hours(self) -> SendingHours | None:
        """The sending hours, in the recipient's local time; None: at any hour."""
        return (
            SendingHours(self.sends_from, self.sends_until)
            if self.sends_from and self.sends_until
            else None
        )

    @sending_hours.setter
    def sending_hours(self, hours: SendingHours | None) -> None:
        self.sends_from, self.sends_until = (hours.start, hours.end) if hours else (None, None)

    @property
    def local_time(self) -> datetime | None:
        """The recipients' local time, without a zone; None if all are sent to at one moment."""
        return (
            datetime.fromisoformat(self.local_at)
            if self.timing == Timing.LOCAL and self.local_at
            else None
        )

    @property
    def timetable(self) -> Timetable | None:
        """What recipients wait for in their local time; None: for nothing.

        What is scheduled at the gateway cannot wait.
        """
        timetable = Timetable(self.sending_hours, self.local_time)
        return None if self.timing == Timing.GATEWAY or timetable == Timetable() else timetable

    def due_at(self, sent_at: datetime) -> datetime:
        """When the gateway delivers what it got at `sent_at`: later if it was scheduled there."""
        if self.timing == Timing.GATEWAY and self.scheduled_at:
            return max(sent_at, self.scheduled_at)
        return sent_at


class EarlierCampaign(models.Model):
    """Recipients of an earlier campaign, selected for an audience or excluded (`left_out`)."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="earlier")
    source = models.ForeignKey(Campaign, models.PROTECT, related_name="+")
    outcome = models.CharField(
        max_length=13, choices=RecipientOutcome.choices, default=RecipientOutcome.ALL
    )
    left_out = models.BooleanField(default=False)

    objects = ParentBrandManager.of("campaign")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "campaign", "source", "outcome", "left_out", name="earlier_campaign_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.get_outcome_display()}"


class Editing(models.Model):
    """A user has a draft open since `at`. Shown to others who open it, for a short while."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("campaign", "user", name="editing_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.user_id}"
