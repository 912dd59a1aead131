"""Keep unusual answers of the gateway, and those to test sends, for users and for support."""

from collections.abc import Sequence
from datetime import datetime

from campaigns.dispatch.models import Evidence
from campaigns.gateway.key_in_use import without_keys

KEPT_MAX = 2_000  # answers of one campaign: more would tell nothing new
REMOVED_AT_ONCE = 500
# "What" of answers of which one in a campaign tells everything.
PRICE_ROUNDED = "A price had more than seven decimal places and was rounded"
# "What" of an answer to a test send, which is kept whether it is unusual or not.
TEST_ANSWER = "The answer to a test send"


def save(answers: Sequence[Evidence]) -> None:
    """Store `answers`, without API keys, as far as their campaigns have room for more."""
    full = {
        campaign_id
        for campaign_id in {answer.campaign_id for answer in answers}
        if Evidence.objects.filter(campaign_id=campaign_id)[KEPT_MAX - 1 :].exists()
    }
    kept = [answer for answer in answers if answer.campaign_id not in full]
    for answer in kept:
        answer.what = answer.what[:200]
        answer.body = _redact(answer.body)
    Evidence.objects.bulk_create(kept)


def save_rounded_price(campaign_id: int, batch_number: int, body: str) -> None:
    """Store the text of an answer with a rounded price, once a campaign."""
    if not Evidence.objects.filter(campaign_id=campaign_id, what=PRICE_ROUNDED).exists():
        save(
            [
                Evidence(
                    campaign_id=campaign_id,
                    batch_number=batch_number,
                    what=PRICE_ROUNDED,
                    http_status=200,
                    body=body,
                )
            ]
        )


def remove_old(before: datetime) -> int | None:
    """Delete some of the answers from `before`. Returns how many; None: nothing is left."""
    oldest = Evidence.objects.order_by("pk").values_list("pk", "at")[:REMOVED_AT_ONCE]
    ids = [pk for pk, at in oldest if at < before]
    return Evidence.objects.filter(pk__in=ids).delete()[0] if ids else None


def _redact(body: str) -> str:
    """An answer without API keys, and without the NUL that PostgreSQL's text refuses."""
    return without_keys(body.replace("\x00", ""), "•••")
