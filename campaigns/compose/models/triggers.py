"""Triggers: messages that events of other systems send, one for each event."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models.campaign import Campaign
from campaigns.contacts.models import MSISDN_LENGTH
from campaigns.shared.brands.models import Branded

EVENT_NAME = r"[a-z0-9][a-z0-9_.-]*"
EVENT_NAME_MAX = 60
KEY_MAX = 100  # characters of the id that the other system gives an event
# the most that the limits of a trigger can be
PEOPLE_MAX, PERSON_MAX = 100_000, 20  # messages a day, of these to one phone
WAIT_MAX = 168  # hours


class TriggerState(models.TextChoices):
    OFF = "off", _("Off")
    ON = "on", _("On")
    ENDED = "ended", _("Ended")


class Trigger(Branded):
    """Each event named `event` sends the message of `draft` to the person it names.

        OFF <-> ON, and from both to ENDED

    The draft is not changed while the trigger is on. What is sent on a day belongs to a campaign of
    that day, a *run*, which is made from the draft by the first event (dispatch/freeze/events.py).
    While the trigger is off, events wait.
    """

    event = models.CharField(
        _("event"),
        max_length=EVENT_NAME_MAX,
        validators=[
            RegexValidator(
                rf"^{EVENT_NAME}\Z",
                _("Use small letters, digits, dots, hyphens and underscores, such as order.paid."),
            )
        ],
    )
    state = models.CharField(
        _("state"), max_length=5, choices=TriggerState.choices, default=TriggerState.OFF
    )
    reason = models.CharField(max_length=20, blank=True)  # why ViberDash switched it off
    draft = models.OneToOneField(
        Campaign, models.SET_NULL, null=True, blank=True, related_name="triggered_by"
    )
    # messages on one day of the site
    people_max = models.PositiveIntegerField(_("messages a day"), default=1_000)
    # of these, to one phone
    person_max = models.PositiveSmallIntegerField(_("to one person a day"), default=3)
    # hours that an event may wait before its message is queued
    wait_max = models.PositiveSmallIntegerField(_("hours an event may wait"), default=24)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # who switched it on last: the runs are launched in their name
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")
        ordering = ["event", "-id"]
        constraints = [
            models.UniqueConstraint(
                "brand", "event", name="trigger_event_once", condition=~Q(state="ended")
            )
        ]

    def __str__(self) -> str:
        return self.event

    def get_absolute_url(self) -> str:
        return reverse("trigger-detail", args=[self.pk])


class EventState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Queued")
    SKIPPED = "skipped", _("Skipped")


class TriggerEvent(Branded):
    """An event as it arrived: what it named, and what became of it.

    `key` is the id that the other system gave it: an event that arrives again has the same one.
    `campaign`: the run in which its message is sent; the recipient there has its phone.
    """

    trigger = models.ForeignKey(Trigger, models.CASCADE, db_index=False, related_name="events")
    event = models.CharField(max_length=EVENT_NAME_MAX)
    key = models.CharField(max_length=KEY_MAX)
    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    country = models.CharField(max_length=2, blank=True)
    values = models.JSONField(default=dict)
    at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=EventState.choices, default=EventState.WAITING)
    reason = models.CharField(max_length=20, blank=True)  # why it was skipped
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint("brand", "event", "key", name="trigger_event_key")]
        indexes = [
            models.Index("trigger", "id", name="trigger_event_page"),
            models.Index(
                "trigger", "id", name="trigger_event_waiting", condition=Q(state="waiting")
            ),
            models.Index("msisdn", name="trigger_event_msisdn"),  # the data of a person
            models.Index("at", name="trigger_event_at"),  # what is deleted
        ]

    def __str__(self) -> str:
        return self.key
