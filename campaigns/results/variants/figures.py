"""Recipients by variant, and what they did with their message.

Clicks are stored by a later stage; they are reached by the relation `Recipient.clicks`, as segments
reach them.
"""

from dataclasses import dataclass

from django.db import connection

from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, DecisionMeasure
from campaigns.dispatch.models import Batch, Recipient
from campaigns.results.variants.significance import Rate

BATCH, RECIPIENT = Batch._meta.db_table, Recipient._meta.db_table
REST = ""  # the key of who gets the winner


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """What came of one variant. `clicked`: recipients of whom a person opened a link."""

    recipients: int = 0
    accepted: int = 0
    delivered: int = 0  # in Viber, read or not
    read: int = 0
    clicked: int = 0

    def rate(self, measure: str) -> Rate:
        """The rate that decides by `measure`, of the accepted messages."""
        hits = {DecisionMeasure.READ.value: self.read, DecisionMeasure.CLICK.value: self.clicked}
        return Rate(hits[measure], self.accepted)


_COUNTS = f"""
    SELECT b.variant, COUNT(*),
        SUM(CASE WHEN r.send_state = 'accepted' THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.send_state = 'accepted' AND r.delivery_state IN ('delivered', 'read')
            THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.send_state = 'accepted' AND r.delivery_state = 'read' THEN 1 ELSE 0 END)
    FROM {BATCH} b JOIN {RECIPIENT} r
        ON r.campaign_id = b.campaign_id AND r.batch_number = b.number
    WHERE b.campaign_id = %s GROUP BY b.variant"""  # noqa: S608 - names of our own columns


def load_figures(campaign: Campaign) -> dict[str, VariantFigures]:
    """The figures of each variant, A first, and under REST of those who get the winner, if the
    campaign has such. Reads all of its recipients.
    """
    clicked = _load_clicked(campaign) if campaign.is_tracked else {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [campaign.pk])
        found = {
            letter: VariantFigures(recipients, accepted, delivered, read, clicked.get(letter, 0))
            for letter, recipients, accepted, delivered, read in cursor.fetchall()
        }
    keys = [*letters_of(campaign), *([REST] if REST in found else [])]
    return {key: found.get(key, VariantFigures()) for key in keys}


def _load_clicked(campaign: Campaign) -> dict[str, int]:
    """Recipients of whom a person clicked, by variant."""
    model = Recipient._meta.get_field("clicks").related_model
    click = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.variant, COUNT(DISTINCT r.id)"  # noqa: S608 - names of our own columns
            f" FROM {click} k JOIN {RECIPIENT} r ON r.id = k.recipient_id"
            f" JOIN {BATCH} b ON b.campaign_id = r.campaign_id AND b.number = r.batch_number"
            " WHERE k.campaign_id = %s AND k.machine = '' GROUP BY b.variant",
            [campaign.pk],
        )
        return dict(cursor.fetchall())
