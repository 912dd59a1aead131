"""Parses most phones by rules for prefixes, with one look-up in a dictionary each.

A block is all numbers with the same prefix and length: `380501` and six more digits. Whether every
number of a block is a valid mobile phone is *proved* from the patterns of the library, by matching
the prefix followed by wildcards:

- with wildcards that only `\\d` accepts, a match means that every number of the block matches;
- with wildcards that any digit of a pattern accepts, no match means that no number of the block
  matches.

What cannot be proved, and all numbers that are not valid mobiles, are parsed one by one
(parsing.py).
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from campaigns.contacts.phones import guesses, parsing
from campaigns.contacts.phones.cell_texts import unwrap_formula
from campaigns.contacts.phones.guesses import Guess
from campaigns.contacts.phones.parsing import CLEANING, MSISDN_MAX, MSISDN_MIN, Phone, Verdict

WILDCARD = "x"
TOKEN = re.compile(r"\\d|\[\^?[^\]]*\]|\{[^}]*\}|\d")
UNPROVABLE = re.compile(r"\(\?[^:]|\\[^d]|\[\^|\.")
WILDCARDS = 6  # digits after the prefix, at first
FEWER_WILDCARDS = 4  # if no rule can be proved with the first
MAX_RULES = 200_000  # a file of random numbers must not fill the memory
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


class Undecided(Exception):  # noqa: N818 - not an error
    """The block has numbers of several types, or its type cannot be proved."""


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
    """The description that all numbers of a region share."""
    if metadata.general_desc is None:
        raise Undecided
    return metadata.general_desc


def _home_code(metadata: PhoneMetadata) -> int:
    if metadata.country_code is None:
        raise Undecided
    return metadata.country_code


def _may_fit_general_pattern(metadata: PhoneMetadata, number: str) -> bool:
    """Whether a number of the block may match the general pattern, whatever its length."""
    return (
        _pattern_any_matches(_provable(_general_desc(metadata).national_number_pattern)).fullmatch(
            number
        )
        is not None
    )


def _may_begin(pattern: str | None, number: str) -> bool:
    return bool(pattern) and _pattern_any_matches(_provable(pattern)).match(number) is not None


def _mobile_country(code: int, number: str) -> str:
    """The region in which all numbers of a block (national, with wildcards) are mobiles."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            raise Undecided
        if len(regions) == 1 or _belongs(metadata, number):
            return _mobile_region(metadata, number)
    raise Undecided


def _belongs(metadata: PhoneMetadata, number: str) -> bool:
    if metadata.leading_digits is not None:
        if _pattern_all_match(_provable(metadata.leading_digits)).match(number):
            return True
        if _may_begin(metadata.leading_digits, number):
            raise Undecided
        return False
    descs = [getattr(metadata, name) for name in (*SPECIAL, "fixed_line", "mobile")]
    if not _any_matches(metadata.general_desc, number) or not any(
        _any_matches(desc, number) for desc in descs
    ):
        return False
    if _all_match(metadata.general_desc, number) and any(
        _all_match(desc, number) for desc in descs
    ):
        return True
    raise Undecided


def _mobile_region(metadata: PhoneMetadata, number: str) -> str:
    mobile_desc = (
        metadata.fixed_line if metadata.same_mobile_and_fixed_line_pattern else metadata.mobile
    )
    if not _all_match(metadata.general_desc, number) or not _all_match(mobile_desc, number):
        raise Undecided
    if any(_any_matches(getattr(metadata, name), number) for name in SPECIAL):
        raise Undecided
    return str(metadata.id)


def _resolve_international(number: str) -> tuple[str, int, str]:
    """Country, calling code and national number of an international block without the plus."""
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


def _resolve_national(number: str, home: PhoneMetadata) -> tuple[str, str]:
    """Country and international digits of a block, as the library parses it in `home`."""
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
        return _resolve_international(number)[0], number
    return _mobile_country(_home_code(home), number), code + number


def _with_home_code(number: str, code: str, home: PhoneMetadata) -> tuple[str, str]:
    national = number[len(code) :]
    if _may_fit_general_pattern(home, number) or not _all_match(home.general_desc, national):
        raise Undecided
    if _may_begin(home.national_prefix_for_parsing, national):
        raise Undecided
    return _resolve_international(number)[0], number


def _trunk_prefix(number: str, home: PhoneMetadata) -> str:
    """The national prefix of the block, if the library's rule for it is plain text."""
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
    """All numbers of the block are mobiles of `country`: drop `drop` signs, prepend `add`."""

    drop: int
    add: str
    country: str


RuleParts = tuple[int, str, str]  # drop, add, country: a tuple unpacks faster


def prove_rule(prefix: str, wildcards: int, default_country: str) -> PrefixRule | None:
    """The rule for a prefix (digits, perhaps after a plus) and so many more digits.

    None if nothing can be proved: parse such numbers one by one.
    """
    home = PhoneMetadata.metadata_for_region(default_country, None)
    if (
        home is None
        or prefix.startswith("00")
        or not MSISDN_MIN <= len(prefix) + wildcards <= MSISDN_MAX + 1
    ):
        return None
    block = prefix + WILDCARD * wildcards
    try:
        if prefix.startswith("+"):
            country, number = _resolve_international(block[1:])[0], block[1:]
        else:
            country, number = _resolve_national(block, home)
    except Undecided:
        return None
    if not MSISDN_MIN <= len(number) <= MSISDN_MAX:
        return None
    return _make_rule(block, number, country)


def _make_rule(block: str, number: str, country: str) -> PrefixRule:
    """The rule that turns numbers as written into international ones, which end alike."""
    drop = 0
    while not number.endswith(block[drop:]):
        drop += 1
    return PrefixRule(drop, number[: len(number) - len(block) + drop], country)


MAX_EXAMPLES = 3


@dataclass(slots=True)
class Guessed:
    """How often each guess was made, with a few examples: the text as written, what was read."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, guess: str, text: str, value: str) -> None:
        self.counts[guess] += 1
        examples = self.examples.setdefault(guess, [])
        if len(examples) < MAX_EXAMPLES and (text, value) not in examples:
            examples.append((text[:60], value))

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Each guess with its count and examples."""
        return {
            guess: {"count": count, "examples": self.examples[guess]}
            for guess, count in self.counts.items()
        }


@dataclass(slots=True)
class Normaliser:
    """The fast form of parsing.normalise for many cells. Remembers the rules it has proved.

    `allowed`: guesses for numbers that are not valid as written; `guessed` counts them.
    """

    default_country: str
    allowed: frozenset[Guess] = guesses.NONE
    guessed: Guessed = field(default_factory=Guessed)
    rules: dict[str, RuleParts | None] = field(default_factory=dict)
    longer_rules: dict[str, RuleParts | None] = field(default_factory=dict)

    def column(self, cells: list[str]) -> list[Verdict]:
        """The phone or reason of each cell, in order."""
        msisdns, countries = self.columns(cells)
        pairs = zip(msisdns, countries, strict=True)
        return [
            Phone(msisdn, country) if country else parsing.Reason(msisdn)
            for msisdn, country in pairs
        ]

    def columns(self, cells: list[str]) -> tuple[list[str], list[str]]:
        """Two columns: E.164 digits and country of each cell; or the reason and no country."""
        joined = "\n".join(cells)
        if '="' in joined:
            cells = list(map(unwrap_formula, cells))
            joined = "\n".join(cells)
        cleaned = joined.translate(CLEANING).split("\n")
        if len(cleaned) != len(cells) or "\n" in "".join(cells):
            cleaned = [cell.replace("\n", " ").translate(CLEANING) for cell in cells]
        msisdns: list[str] = []
        countries: list[str] = []
        find_rule, add_msisdn, add_country = self.rules.get, msisdns.append, countries.append
        ascii_only = "".join(cleaned).isascii()
        for position, text in enumerate(cleaned):
            rule = find_rule(text[:-WILDCARDS])
            if rule is not None:
                drop, add, country = rule
                msisdn = add + text[drop:] if add or drop else text
                if msisdn.isdecimal() and (ascii_only or msisdn.isascii()):
                    add_msisdn(msisdn)
                    add_country(country)
                    continue
            msisdn, country = self._parse_cell(text, cells[position])
            add_msisdn(msisdn)
            add_country(country)
        return msisdns, countries

    def _parse_cell(self, text: str, cell: str) -> tuple[str, str]:
        """Phone and country of a cell, `text` once cleaned; or the reason and no country."""
        digits = text[1:] if text[:1] == "+" else text
        if digits.isdecimal() and digits.isascii() and len(text) > WILDCARDS:
            for wildcards, rules in ((WILDCARDS, self.rules), (FEWER_WILDCARDS, self.longer_rules)):
                rule = self._find_rule(text[:-wildcards], wildcards, rules)
                if rule:
                    drop, add, country = rule
                    return add + text[drop:], country
        if self.allowed:
            parsed = guesses.read(cell, self.default_country, self.allowed)
            if isinstance(parsed, Phone) and parsed.guess:
                self.guessed.add(parsed.guess, cell, parsed.msisdn)
        else:
            parsed = parsing.normalise(cell, self.default_country)
        return (parsed.msisdn, parsed.country) if isinstance(parsed, Phone) else (parsed.value, "")

    def _find_rule(
        self, prefix: str, wildcards: int, rules: dict[str, RuleParts | None]
    ) -> RuleParts | None:
        if prefix in rules:
            return rules[prefix]
        if len(rules) > MAX_RULES:
            rules.clear()
        rule = prove_rule(prefix, wildcards, self.default_country)
        rules[prefix] = (rule.drop, rule.add, rule.country) if rule else None
        return rules[prefix]
