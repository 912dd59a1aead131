"""The variants of a message: A, which is the campaign's own, and up to three more.

A variant holds what may differ; everything else, such as the sender and the SMS fallback, is the
campaign's. `as_variant` gives a campaign whose own message is that of a variant, so all that
renders, checks or shows a message knows nothing of variants.
"""

from copy import copy

from campaigns.compose.models import Campaign

LETTERS = "ABCD"
DIFFERING = ("text", "button_caption", "button_url", "image", "image_url")
# the `image` of a variant: that of A, none, what is at its `image_url`, or an image of the library,
# whose file is its `image_file`
SAME_IMAGE, NO_IMAGE, OTHER_IMAGE, LIBRARY_IMAGE = "same", "none", "url", "library"


def letters_of(campaign: Campaign) -> str:
    """The letters of its variants, such as "ABC"; "" if it has one message for everybody."""
    return LETTERS[: 1 + len(campaign.variants)] if campaign.variants else ""


def as_variant(campaign: Campaign, letter: str) -> Campaign:
    """`campaign` as the recipients of this variant get it, not to be saved.

    Without variants, and for a letter that it has not, its own message.
    """
    message = copy(campaign)
    message.variants = []
    place = LETTERS.index(letter) - 1 if letter in tuple(letters_of(campaign)) else -1
    if place < 0:
        return message
    variant = campaign.variants[place]
    for name in ("text", "button_caption", "button_url"):
        setattr(message, name, variant.get(name, ""))
    image = variant.get("image", SAME_IMAGE)
    if image != SAME_IMAGE:
        message.image = variant.get("image_file", "") if image == LIBRARY_IMAGE else ""
        message.image_url = variant.get("image_url", "") if image != NO_IMAGE else ""
    links = campaign.variant_links or ()
    message.tracked_links = links[place] if place < len(links) else None
    return message


def others(campaign: Campaign) -> dict[str, Campaign]:
    """The variants beside A, by letter, each as `as_variant` gives it."""
    return {letter: as_variant(campaign, letter) for letter in letters_of(campaign)[1:]}


def expected_recipients(campaign: Campaign, recipients: int) -> int:
    """How many of `recipients` each variant gets first, on average: of a test, its share."""
    share = campaign.test_share if campaign.is_tested else 100
    return recipients * share // (100 * max(len(letters_of(campaign)), 1))
