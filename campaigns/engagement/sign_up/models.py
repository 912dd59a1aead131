"""The sign-up pages of lists, and the requests to be on them."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.compose.message.tracking.codes import ALPHABET
from campaigns.compose.models import Trigger, TriggerEvent
from campaigns.contacts.models import ConsentWording, ContactList
from campaigns.shared.brands.models import ParentBrandManager

CODE_LENGTH = 16


def new_code() -> str:
    """The code of a page, which nobody guesses."""
    return "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))


class SignUpPage(models.Model):
    """The public page of a list, while `is_on`. Its requests become events of `trigger`, whose
    message asks to confirm.
    """

    list = models.OneToOneField(
        ContactList, models.CASCADE, primary_key=True, related_name="sign_up_page"
    )
    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=new_code)
    is_on = models.BooleanField(_("people can sign up"), default=False)
    wording = models.ForeignKey(
        ConsentWording, models.PROTECT, related_name="+", verbose_name=_("wording")
    )
    trigger = models.ForeignKey(
        Trigger, models.SET_NULL, null=True, related_name="+", verbose_name=_("trigger")
    )

    objects = ParentBrandManager.of("list")

    class Meta:
        verbose_name = _("sign-up page")
        verbose_name_plural = _("sign-up pages")

    def __str__(self) -> str:
        return str(self.list)


class SignUp(models.Model):
    """Somebody asked to be on the list: the phone and the time are those of the `event` that sends
    the message. `wording` is what the page said then.
    """

    event = models.OneToOneField(
        TriggerEvent, models.CASCADE, primary_key=True, related_name="sign_up"
    )
    page = models.ForeignKey(SignUpPage, models.CASCADE, related_name="sign_ups")
    wording = models.ForeignKey(ConsentWording, models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    objects = ParentBrandManager.of("event")

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")

    def __str__(self) -> str:
        return str(self.event_id)


class SignUpDay(models.Model):
    """How many asked and confirmed on a day of the site, as the requests themselves are deleted."""

    list = models.ForeignKey(
        ContactList, models.CASCADE, db_index=False, related_name="sign_up_days"
    )
    day = models.DateField()
    asked = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)

    objects = ParentBrandManager.of("list")

    class Meta:
        verbose_name = _("sign-ups of a day")
        verbose_name_plural = _("sign-ups by day")
        ordering = ["-day"]
        constraints = [models.UniqueConstraint("list", "day", name="sign_up_day_once")]

    def __str__(self) -> str:
        return f"{self.list_id}: {self.day}"


class SpentChallenge(models.Model):
    """A proof of work that was used: none is good for two requests."""

    nonce = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce
