"""Languages of persons: a tag, such as "uk" or "pt-BR", and a name."""

from functools import cache

from django.conf.locale import LANG_INFO
from django.utils.translation import get_language, get_language_info


def _tag(code: str) -> str:
    """The tag as BCP 47 writes it: pt-br -> pt-BR, zh-hans -> zh-Hans."""
    language, *parts = code.split("-")
    return "-".join([language, *(p.upper() if len(p) == 2 else p.title() for p in parts)])


# those with a name of their own; the others stand for one of these
_CODES = {_tag(code): code for code, info in LANG_INFO.items() if "name" in info}


def name(tag: str) -> str:
    """The name of a language in the user's language: "uk" -> "Ukrainian"; unknown tags stay."""
    code = _CODES.get(tag)
    return str(get_language_info(code)["name_translated"]) if code else tag


@cache
def _choices(_language: str | None) -> list[tuple[str, str]]:
    named = sorted((name(tag), tag) for tag in _CODES)
    return [(tag, f"{language_name} ({tag})") for language_name, tag in named]


def choices() -> list[tuple[str, str]]:
    """All languages as choices of a form, sorted by name: ("uk", "Ukrainian (uk)")."""
    return _choices(get_language())
