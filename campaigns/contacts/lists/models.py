"""Phones that are proposed for the stop list, and how recipients see lists."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.models import MSISDN_LENGTH, ContactList, StopListEntry
from campaigns.shared.brands.models import Branded, ParentBrandManager


class PublicList(models.Model):
    """What recipients are told of a list while it is offered to them: they add and remove
    themselves (engagement/preferences.py).
    """

    list = models.OneToOneField(
        ContactList, models.CASCADE, primary_key=True, related_name="public"
    )
    is_offered = models.BooleanField(_("offered to recipients"), default=False)
    name = models.CharField(_("public name"), max_length=100, blank=True)
    description = models.CharField(_("public description"), max_length=300, blank=True)

    objects = ParentBrandManager.of("list")

    class Meta:
        verbose_name = _("public list")
        verbose_name_plural = _("public lists")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class StopProposal(Branded):
    """A phone that messages of a brand did not reach several times in a row.

    Results writes it, and a user decides. Accepted: the row is deleted, as the stop list has the
    phone. Dismissed: the row stays, and only later failures count towards the next proposal.
    """

    msisdn = models.CharField(_("phone"), max_length=MSISDN_LENGTH)
    failures = models.PositiveIntegerField(_("failures in a row"))
    status = models.CharField(max_length=30)  # of the gateway, of the last failure
    # of the last failure; a campaign with recipients is never deleted
    campaign = models.ForeignKey(
        "campaigns.Campaign",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    last_at = models.DateTimeField()  # when the message of the last failure was sent
    proposed_at = models.DateTimeField()
    checked_at = models.DateTimeField()  # when the job last looked whether it still holds
    # failures of messages that were sent later count anew
    dismissed_to = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("proposal for the stop list")
        verbose_name_plural = _("proposals for the stop list")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("msisdn", "brand", name="stop_proposal_once")]
        indexes = [
            # the page, and the counts on other pages
            models.Index(
                "brand", "id", name="stop_proposal_open", condition=models.Q(is_open=True)
            ),
            # the nightly job
            models.Index(
                "checked_at", name="stop_proposal_check", condition=models.Q(is_open=True)
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


def open_proposals() -> models.QuerySet[StopProposal]:
    """The proposals to decide on. The stop list may have got a phone in another way since."""
    stopped = StopListEntry._base_manager.filter(
        models.Q(brand=None) | models.Q(brand=models.OuterRef("brand")),
        msisdn=models.OuterRef("msisdn"),
    )
    return StopProposal.objects.filter(~models.Exists(stopped), is_open=True)
