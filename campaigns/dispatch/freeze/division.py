"""Which variant a recipient gets: by a hash of campaign and phone.

The reference is such a hash already, so its last digits decide, and a repeated slice decides the
same. They are compared as texts of digits.
"""

from django.db import connection

from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign

DIGITS = 8  # hex digits, the last ones of a reference
_WHOLE = 16**DIGITS


def _bounds(campaign: Campaign) -> list[tuple[str, int]]:
    """The variants in order, each with its upper bound: of the numbers that no variant before it
    has, it has those below the bound.
    """
    letters = letters_of(campaign)
    share = campaign.test_share if campaign.is_tested else 100
    return [
        (letter, _WHOLE * share * place // (100 * len(letters)))
        for place, letter in enumerate(letters, 1)
    ]


def variant_sql(campaign: Campaign, reference: str = "reference") -> str:
    """The variant of a recipient; "" for one who gets the winner. `reference`: the expression of
    theirs in the statement.
    """
    digits = f"SUBSTR({reference}, {32 - DIGITS + 1})"
    if connection.vendor == "postgresql":
        digits += ' COLLATE "C"'
    *before, last = _bounds(campaign)
    others = "" if campaign.is_tested else last[0]
    whens = [*before, last] if campaign.is_tested else before
    cases = " ".join(
        f"WHEN {digits} < '{upper:0{DIGITS}x}' THEN '{letter}'" for letter, upper in whens
    )
    return f"CASE {cases} ELSE '{others}' END"


def divided_sql(campaign: Campaign, contacts: str) -> str:
    """The SELECT of the `contacts` of a slice, with the variant of each, and their place among
    those who can share a batch with them.
    """
    return f"""
        SELECT divided.*,
            ROW_NUMBER() OVER (PARTITION BY variant, country, area ORDER BY id) AS place
        FROM (SELECT plain.*, {variant_sql(campaign)} AS variant FROM ({contacts}) AS plain)
            AS divided"""  # noqa: S608 - names and numbers of our own


def batch_columns_sql(campaign: Campaign) -> tuple[str, str]:
    """The variant of a batch of recipients `r`, which is the same for all, and its first state."""
    variant = f"MIN({variant_sql(campaign, 'r.reference')})"
    return variant, f"CASE WHEN {variant} = '' THEN 'waiting' ELSE 'ready' END"
