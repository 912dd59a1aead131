"""What a code stands for: a recipient, and the address that the campaign's link has for them; and
what a value of vd_click stands for, which some of these addresses have.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.utils.encoding import iri_to_uri

from campaigns.compose.message.merge_tags import CompiledText, split_at_tags
from campaigns.compose.message.render import encode_for_link
from campaigns.compose.message.tracking.codes import REFERENCE_DIGITS, LinkCodes
from campaigns.compose.message.tracking.tracked_links import PageTag, tracking_of
from campaigns.compose.message.variants import as_variant, letters_of
from campaigns.compose.message.web_addresses import punycode
from campaigns.compose.models import Campaign, LinkKey
from campaigns.dispatch.models import Batch, Recipient

_PLACE = "%s" if connection.vendor == "postgresql" else "?"
_FIND = (
    f"SELECT id, campaign_id, reference, fields, batch_number FROM {Recipient._meta.db_table}"  # noqa: S608 - a table of ours
    f" WHERE reference >= {_PLACE} AND reference <= {_PLACE} LIMIT 2"
)
_REST = 32 - REFERENCE_DIGITS  # digits
CLICK_PARAMETER = "vd_click"


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A recipient's link, and where it leads; "": to the page of `page_tag`."""

    campaign_id: int
    recipient_id: int
    number: int
    address: str

    @property
    def page_tag(self) -> PageTag | None:
        """The tag whose page it opens; None for a link of the message."""
        return None if self.address else next(tag for tag in PageTag if tag.number == self.number)


class Target:
    """An address of a campaign, to be filled with the fields of a recipient. `passes_click`:
    whether it gets the parameter that says who opened it.
    """

    def __init__(self, written: str, *, passes_click: bool = False) -> None:
        self.passes_click = passes_click
        # who has no value any more, as after an erasure, still gets to the page
        tags = ((f"{piece[:-1]}|}}" if "|" not in piece else piece) if is_tag else piece
                for piece, is_tag in split_at_tags(written))  # fmt: skip
        self._text = CompiledText(_ascii_host("".join(tags)), encode=encode_for_link)

    def fill(self, fields: Mapping[str, str]) -> str:
        return iri_to_uri(self._text.fill(fields))


def with_click(address: str, value: str) -> str:
    """`address` with the parameter; its own query and fragment stay."""
    page, sharp, fragment = address.partition("#")
    separator = "" if page.endswith(("?", "&")) else "&" if "?" in page else "?"
    return f"{page}{separator}{CLICK_PARAMETER}={value}{sharp}{fragment}"


def read_click_value(value: str) -> tuple[str, str, int] | None:
    """The first and the last reference that the recipient of a value of vd_click may have, and the
    number of their link; None for what is none.
    """
    key = _load_key()
    read = LinkCodes.of_clicks(key).read(value) if key else None
    if read is None:
        return None
    digits, number = read
    return *_references(digits), number


def _references(digits: str) -> tuple[str, str]:
    """The first and the last reference with these first digits."""
    return digits + "0" * _REST, digits + "f" * _REST


def _ascii_host(url: str) -> str:
    """`url` with its host as browsers look it up; the launch made sure that no tag is in it."""
    host = urlsplit(url).netloc
    return url if host.isascii() else url.replace(host, punycode(host), 1)


class LinkTargets:
    """Finds what codes stand for. Campaigns are remembered, as after the launch no link changes."""

    def __init__(self) -> None:
        self._codes: tuple[LinkCodes, LinkCodes] | None = None  # of links, and of clicks
        self._campaigns: dict[int, Targets] = {}
        # of campaigns with variants, by letter
        self._variants: dict[int, dict[str, Targets]] = {}

    def find(self, code: str) -> OpenedLink | None:
        """None if nobody was sent this code."""
        codes = self._codes = self._codes or _load_codes()
        if codes is None or (read := codes[0].read(code)) is None:
            return None
        digits, number = read
        rows = _load_recipients(*_references(digits))
        if len(rows) != 1 or not rows[0][2].startswith(digits):
            return None  # two whose references begin alike, one in 10^18 pairs: neither
        recipient_id, campaign_id, _reference, fields, batch_number = rows[0]
        targets = self._campaigns.get(campaign_id) or self._load(campaign_id)
        if variants := self._variants.get(campaign_id):
            targets = variants[variant_of(campaign_id, batch_number)]
        target = targets.get(number)
        if target is None:
            return None
        address = target.fill(_decoded(fields)) if isinstance(target, Target) else ""
        if isinstance(target, Target) and target.passes_click:
            address = with_click(address, codes[1].code(digits, number))
        return OpenedLink(campaign_id, recipient_id, number, address)

    def _load(self, campaign_id: int) -> "Targets":
        campaign = Campaign._base_manager.get(pk=campaign_id)
        self._campaigns[campaign_id] = _targets_of(campaign)
        self._variants[campaign_id] = {
            letter: _targets_of(as_variant(campaign, letter)) for letter in letters_of(campaign)
        }
        return self._campaigns[campaign_id]


Targets = dict[int, Target | str]  # by the number of the link


def _targets_of(campaign: Campaign) -> Targets:
    tracking, passes_click = tracking_of(campaign), campaign.tracks_conversions
    targets: Targets = dict.fromkeys(tracking.numbers, "")
    return targets | {
        number: Target(link.target, passes_click=passes_click)
        for number, link in enumerate(tracking.links)
    }


def variant_of(campaign_id: int, batch_number: int) -> str:
    """The variant that the recipients of a batch, which was sent, got."""
    batches = Batch._base_manager.filter(campaign=campaign_id, number=batch_number)
    variant, winner = batches.values_list("variant", "campaign__winner").get()
    return variant or winner or "A"


def _load_recipients(first: str, last: str) -> list[Any]:
    """The recipients with references from `first` to `last`, two at most.

    Both drivers have this call. A cursor of Django's takes three times as long.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        rows: list[Any] = connection.connection.execute(_FIND, (first, last)).fetchall()
    return rows


def _load_codes() -> tuple[LinkCodes, LinkCodes] | None:
    """Those of links and those of clicks; None until the first link is sent."""
    key = _load_key()
    return (LinkCodes(key), LinkCodes.of_clicks(key)) if key else None


def _load_key() -> bytes | None:
    key = LinkKey.objects.filter(pk=LinkKey.ONLY).values_list("key", flat=True).first()
    return bytes.fromhex(key) if key else None


def _decoded(fields: Any) -> Mapping[str, str]:
    """PostgreSQL gives a dict, SQLite the JSON text."""
    decoded: Mapping[str, str] = json.loads(fields) if isinstance(fields, str) else fields
    return decoded
