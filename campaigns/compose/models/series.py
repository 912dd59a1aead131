"""Series: campaigns that are repeated by a rule, each run with its audience of that day."""

import uuid
from datetime import time

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models.campaign import Campaign
from campaigns.shared.brands.models import Branded, ParentBrandManager

RECIPIENTS_MAX = 10_000_000  # the most that the limit of a run can be
SKIP_DETAIL_MAX = 300


class SeriesState(models.TextChoices):
    OFF = "off", _("Off")
    ON = "on", _("On")
    ENDED = "ended", _("Ended")


class Repeat(models.TextChoices):
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class Series(Branded):
    """The message and the audience of `draft`, sent again and again by a rule.

        OFF <-> ON, and from both to ENDED

    The draft is not changed while the series is on. Each *run* is a campaign of its own, made from
    the draft when its time comes (compose/series/runs.py). `next_day`: the day of the next run
    while the series is on.
    """

    # part of the references of its messages: a run that is made again has the same ones
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(
        _("state"), max_length=5, choices=SeriesState.choices, default=SeriesState.OFF
    )
    name = models.CharField(_("name"), max_length=100)  # that of its draft when it was switched on
    draft = models.OneToOneField(
        Campaign, models.SET_NULL, null=True, blank=True, related_name="repeated_by"
    )
    repeat = models.CharField(
        _("repeat"), max_length=7, choices=Repeat.choices, default=Repeat.WEEKLY
    )
    # of a weekly one, as date.weekday(): 0 is Monday
    weekdays = models.JSONField(_("days of the week"), default=list)
    # of a monthly one; in shorter months it is the last day
    month_day = models.PositiveSmallIntegerField(_("day of the month"), null=True, blank=True)
    at = models.TimeField(_("time"), default=time(10))
    # in the recipients' local time, else in the site's time zone
    is_local = models.BooleanField(_("at the recipient's local time"), default=False)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"), null=True, blank=True)
    # A run with more recipients waits for a user. The budget of the draft limits its cost.
    people_max = models.PositiveIntegerField(_("recipients a run"))
    next_day = models.DateField(null=True, blank=True, editable=False)
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
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("series-detail", args=[self.pk])


class SeriesRun(models.Model):
    """What became of the run of a day: its campaign, or why it was skipped."""

    series = models.ForeignKey(Series, models.CASCADE, related_name="runs")
    day = models.DateField()
    campaign = models.OneToOneField(
        Campaign, models.PROTECT, null=True, blank=True, related_name="series_run"
    )
    reason = models.CharField(max_length=20, blank=True)  # why it was skipped
    detail = models.CharField(max_length=SKIP_DETAIL_MAX, blank=True)

    objects = ParentBrandManager.of("series")

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [models.UniqueConstraint("series", "day", name="series_run_once")]

    def __str__(self) -> str:
        return f"{self.series_id}: {self.day}"
