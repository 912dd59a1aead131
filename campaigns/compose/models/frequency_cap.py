"""How many promotional messages a person may get in so many days."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.models import Branded

MESSAGES_MAX = 100
DAYS_MAX = 365
IN_RANGE = {
    "messages": [MinValueValidator(1), MaxValueValidator(MESSAGES_MAX)],
    "days": [MinValueValidator(1), MaxValueValidator(DAYS_MAX)],
}


class FrequencyCap(Branded):
    """The most promotional messages that campaigns of a brand send to a person in any `days` days.

    A brand without a row has no cap.
    """

    messages = models.PositiveSmallIntegerField(_("messages"), validators=IN_RANGE["messages"])
    days = models.PositiveSmallIntegerField(_("days"), validators=IN_RANGE["days"])

    class Meta:
        verbose_name = _("frequency cap")
        verbose_name_plural = _("frequency caps")
        constraints = [models.UniqueConstraint("brand", name="frequency_cap_once")]

    def __str__(self) -> str:
        return f"{self.messages} / {self.days}"
