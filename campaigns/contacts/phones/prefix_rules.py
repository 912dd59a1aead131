"""The library's verdict on whole blocks of numbers at once, so that most rows need only one look
into a dictionary.

A block is all numbers with the same beginning and the same length: `380501` and six more digits.
Whether every number of a block is a valid mobile is *proved* from the library's own patterns, by
matching the beginning and then wildcards:

- with wildcards that only `\\d` accepts, a match means that every number of the block matches;
- with wildcards that any digit of a pattern accepts, no match means that no number of the block
matches.

What cannot be proved this way, and everything that is refused, is asked of the library number by
number.
"""

import re
from dataclasses import dataclass, field
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.parsing import CLEANING, MSISDN_MAX, MSISDN_MIN, Phone, Verdict

WILDCARD = "x"
TOKEN = re.compile(r"\\d|\[\^?[^\]]*\]|\{[^}]*\}|\d")
UNPROVABLE = re.compile(r"\(\?[^:]|\\[^d]|\[\^|\.")
WILDCARDS = 6  # wildcards of a block, first try
FEWER_WILDCARDS = 4  # and where that was not enough
SPECIAL = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


@cache
def _pattern_all_match(pattern: str) -> re.Pattern[str]:
    return re.compile(
        TOKEN.sub(lambda token: rf"[\d{WILDCARD}]" if token[0] == r"\d" else token[0], pattern)
    )


@cache
def _pattern_any_matches(pattern: str) -> re.Pattern[str]:
    return re.compile(TOKEN.sub(_widened, pattern))


def _widened(token: re.Match[str]) -> str:
    text = token[0]
    if text.startswith("{"):
        return text
    return rf"[\d{WILDCARD}]" if text == r"\d" else f"[{text.strip('[]')}{WILDCARD}]"


def _provable(pattern: str | None) -> str:
    if pattern and UNPROVABLE.search(pattern):
        raise Undecided
    return pattern or ""


class Undecided(Exception):  # noqa: N818 - a fact about a block
    """The block holds numbers of several kinds, or its kind cannot be proved."""


def _all_match(desc: PhoneNumberDesc | None, number: str) -> bool:
    if desc is None or not desc.national_number_pattern or not _length_fits(desc, number):
        return False
    return _pattern_all_match(_provable(desc.national_number_pattern)).fullmatch(number) is not None


def _any_matches(desc: PhoneNumberDesc | None, number: str) -> bool:
    if desc is None or not desc.national_number_pattern or not _length_fits(desc, number):
        return False
    return (
        _pattern_any_matches(_provable(desc.national_number_pattern)).fullmatch(number) is not None
    )


def _length_fits(desc: PhoneNumberDesc, number: str) -> bool:
    return not desc.possible_length or len(number) in desc.possible_length


def _general_desc(metadata: PhoneMetadata) -> PhoneNumberDesc:
    """What all numbers of a region have in common."""
    if metadata.general_desc is None:
        raise Undecided
    return metadata.general_desc


def _home_code(metadata: PhoneMetadata) -> int:
    if metadata.country_code is None:
        raise Undecided
    return metadata.country_code


def _may_fit_general_pattern(metadata: PhoneMetadata, number: str) -> bool:
    """Whether a number of the block may match the general pattern, whatever lengths are
    possible.
    """
    return (
        _pattern_any_matches(_provable(_general_desc(metadata).national_number_pattern)).fullmatch(
            number
        )
        is not None
    )


def _may_begin(pattern: str | None, number: str) -> bool:
    return bool(pattern) and _pattern_any_matches(_provable(pattern)).match(number) is not None


def _mobile_country(code: int, number: str) -> str:
    """The region in which every number of the block `number` (national, with wildcards) is a
    mobile.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            raise Undecided
        if len(regions) == 1 or _belongs(metadata, number):
            return _mobile_in(metadata, number)
    raise Undecided


def _belongs(metadata: PhoneMetadata, number: str) -> bool:
    if metadata.leading_digits is not None:
        if _pattern_all_match(_provable(metadata.leading_digits)).match(number):
            return True
        if _may_begin(metadata.leading_digits, number):
            raise Undecided
        return False
    kinds = [getattr(metadata, name) for name in (*SPECIAL, "fixed_line", "mobile")]
    if not _any_matches(metadata.general_desc, number) or not any(
        _any_matches(kind, number) for kind in kinds
    ):
        return False
    if _all_match(metadata.general_desc, number) and any(
        _all_match(kind, number) for kind in kinds
    ):
        return True
    raise Undecided


def _mobile_in(metadata: PhoneMetadata, number: str) -> str:
    ordinary = (
        metadata.fixed_line if metadata.same_mobile_and_fixed_line_pattern else metadata.mobile
    )
    if not _all_match(metadata.general_desc, number) or not _all_match(ordinary, number):
        raise Undecided
    if any(_any_matches(getattr(metadata, name), number) for name in SPECIAL):
        raise Undecided
    return str(metadata.id)


def _abroad(number: str) -> tuple[str, int, str]:
    """Country, calling code and national number of a block in international form without the
    plus.
    """
    for length in (1, 2, 3):
        code = number[:length]
        if (
            code.isdigit()
            and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
            and code[0] != "0"
        ):
            national = number[length:]
            main = phonenumbers.region_code_for_country_code(int(code))
            metadata = PhoneMetadata.metadata_for_region(main, None)
            if metadata is None or _may_begin(metadata.national_prefix_for_parsing, national):
                raise Undecided
            return _mobile_country(int(code), national), int(code), national
    raise Undecided


def _at_home(number: str, home: PhoneMetadata) -> tuple[str, str]:
    """Country and international digits of a block without a plus, as the library reads it in
    `home`.
    """
    if _may_begin(home.international_prefix, number):
        raise Undecided
    code = str(_home_code(home))
    if number.startswith(code):
        return _with_home_code(number, code, home)
    if trunk := _trunk_prefix(number, home):
        return _national(number[len(trunk) :], home, original=number)
    if _may_begin(home.national_prefix_for_parsing, number):
        raise Undecided
    if _impossible_at_home(number, home):
        return _abroad(number)[0], number
    return _mobile_country(_home_code(home), number), code + number


def _with_home_code(number: str, code: str, home: PhoneMetadata) -> tuple[str, str]:
    national = number[len(code) :]
    if _may_fit_general_pattern(home, number) or not _all_match(home.general_desc, national):
        raise Undecided
    if _may_begin(home.national_prefix_for_parsing, national):
        raise Undecided
    return _abroad(number)[0], number


def _trunk_prefix(number: str, home: PhoneMetadata) -> str:
    """The national prefix that the block begins with, where the library's rule for it is plain
    text.
    """
    choices = (home.national_prefix_for_parsing or "").split("|")
    if home.national_prefix_transform_rule or not all(choice.isdigit() for choice in choices):
        return ""
    return next((choice for choice in choices if number.startswith(choice)), "")


def _national(national: str, home: PhoneMetadata, original: str) -> tuple[str, str]:
    if (
        _may_fit_general_pattern(home, original)
        or len(national) not in _general_desc(home).possible_length
    ):
        raise Undecided
    return _mobile_country(_home_code(home), national), f"{home.country_code}{national}"


def _impossible_at_home(number: str, home: PhoneMetadata) -> bool:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[_home_code(home)]
    homes = [PhoneMetadata.metadata_for_region(region, None) for region in regions]
    return not any(_any_matches(metadata.general_desc, number) for metadata in homes if metadata)


@dataclass(frozen=True, slots=True)
class PrefixRule:
    """Every number of the block is a mobile of `country`: leave `drop` signs out, put `add` before
    the rest.
    """

    drop: int
    add: str
    country: str


def prove_rule(beginning: str, free: int, default_country: str) -> PrefixRule | None:
    """The verdict on `beginning` (digits, perhaps a plus before them) and `free` more digits; None:
    ask one by one.
    """
    home = PhoneMetadata.metadata_for_region(default_country, None)
    if (
        home is None
        or beginning.startswith("00")
        or not MSISDN_MIN <= len(beginning) + free <= MSISDN_MAX + 1
    ):
        return None
    wild = beginning + WILDCARD * free
    try:
        if beginning.startswith("+"):
            country, number = _abroad(wild[1:])[0], wild[1:]
        else:
            country, number = _at_home(wild, home)
    except Undecided:
        return None
    if not MSISDN_MIN <= len(number) <= MSISDN_MAX:
        return None
    return _make_rule(wild, number, country)


def _make_rule(wild: str, number: str, country: str) -> PrefixRule:
    """How to come from the numbers as written to the international ones: they end alike."""
    drop = 0
    while not number.endswith(wild[drop:]):
        drop += 1
    return PrefixRule(drop, number[: len(number) - len(wild) + drop], country)


@dataclass(slots=True)
class Normaliser:
    """`phones.normalise` for many cells, block by block. Keeps what it has proved."""

    default_country: str
    known: dict[str, tuple[int, str, str] | None] = field(default_factory=dict)
    finer: dict[str, tuple[int, str, str] | None] = field(default_factory=dict)

    def column(self, cells: list[str]) -> list[Verdict]:
        """The verdict on each cell, in order."""
        msisdns, countries = self.columns(cells)
        pairs = zip(msisdns, countries, strict=True)
        return [
            Phone(msisdn, country) if country else parsing.Reason(msisdn)
            for msisdn, country in pairs
        ]

    def columns(self, cells: list[str]) -> tuple[list[str], list[str]]:
        """Two columns, cell by cell: E.164 digits and country; or a reason, and nothing for a
        country.
        """
        cleaned = "\n".join(cells).translate(CLEANING).split("\n")
        if len(cleaned) != len(cells) or "\n" in "".join(cells):
            cleaned = [cell.replace("\n", " ").translate(CLEANING) for cell in cells]
        msisdns: list[str] = []
        countries: list[str] = []
        look_up, digits, country_of = self.known.get, msisdns.append, countries.append
        ascii_only = "".join(cleaned).isascii()
        for place, text in enumerate(cleaned):
            found = look_up(text[:-WILDCARDS])
            if found is not None:
                drop, add, country = found
                msisdn = add + text[drop:] if add or drop else text
                if msisdn.isdecimal() and (ascii_only or msisdn.isascii()):
                    digits(msisdn)
                    country_of(country)
                    continue
            msisdn, country = self._one(text, cells[place])
            digits(msisdn)
            country_of(country)
        return msisdns, countries

    def _one(self, text: str, cell: str) -> tuple[str, str]:
        body = text[1:] if text[:1] == "+" else text
        if body.isdecimal() and body.isascii() and len(text) > WILDCARDS:
            for free, known in ((WILDCARDS, self.known), (FEWER_WILDCARDS, self.finer)):
                found = self._block(text[:-free], free, known)
                if found:
                    return found[1] + text[found[0] :], found[2]
        verdict = parsing.normalise(cell, self.default_country)
        return (
            (verdict.msisdn, verdict.country) if isinstance(verdict, Phone) else (verdict.value, "")
        )

    def _block(
        self, beginning: str, free: int, known: dict[str, tuple[int, str, str] | None]
    ) -> tuple[int, str, str] | None:
        if beginning in known:
            return known[beginning]
        if len(known) > 200_000:  # a file of random numbers must not fill the memory
            known.clear()
        block = prove_rule(beginning, free, self.default_country)
        known[beginning] = (block.drop, block.add, block.country) if block else None
        return known[beginning]
