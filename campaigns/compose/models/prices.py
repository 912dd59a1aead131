"""The price lists of the gateway."""

from django.db import models
from django.db.models.functions import Coalesce

from campaigns.team.models import GatewayAccount


class PriceList(models.Model):
    """The gateway's prices of one channel and tariff, as last fetched."""

    channel = models.CharField(max_length=5)
    tariff = models.PositiveSmallIntegerField(default=0)
    # [{"country": "UA", "country_name": …, "mcc": …, "mnc": …, "price": "0.23", "currency": "EUR"}]
    rows = models.JSONField(default=list)
    fetched_at = models.DateTimeField()
    # whose prices these are; None: the first account's
    account = models.ForeignKey(GatewayAccount, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "channel", "tariff", Coalesce("account", 0), name="price_list_of_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.tariff}"
