"""Problems and warnings for placeholders of other programs, which are no merge tags here."""

from collections.abc import Iterator
from urllib.parse import unquote

from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch.problem import Problem, Replacement
from campaigns.compose.message.foreign_tags import (
    ForeignTag,
    column_of,
    foreign_tags,
    merge_tag,
)
from campaigns.compose.message.render import CompiledMessage

TEXTS = (
    "text",
    "sms_text",
)  # in an address, brackets and per cent signs have meanings of their own


def known_fields(audience: Audience) -> set[str]:
    """The columns of the lists whose contacts can be in `audience`."""
    lists = audience.possible_lists().values_list("fields", flat=True)
    return {name for fields in lists for name in fields}


def foreign_tag_problems(template: CompiledMessage, known: set[str]) -> Iterator[Problem]:
    """A problem for each field with placeholders of columns that are among `known`."""
    texts = {field: getattr(template, field).text for field in TEXTS}
    texts["button_url"] = unquote(template.button_url.text)  # as UTM parameters were typed
    for target in template.targets:
        texts[target.field] += f" {unquote(target.address.text)}"
    for field, text in texts.items():
        replacements = {
            tag.written: merge_tag(tag, column)
            for tag in foreign_tags(text)
            if (column := column_of(tag.name, known))
        }
        if replacements:
            fixes = tuple(Replacement(*pair) for pair in replacements.items())
            yield Problem(field, _message(fixes[0]), fixes)


def _message(fix: Replacement) -> str:
    values = {"written": fix.written, "tag": fix.by}
    if fix.written.startswith("$"):
        return (
            _("“%(written)s” is not a merge tag. Write %(tag)s, or a space after a dollar sign.")
            % values
        )
    return _("“%(written)s” is not a merge tag. Write %(tag)s.") % values


def foreign_tag_warnings(template: CompiledMessage, known: set[str]) -> Iterator[Problem]:
    """A warning for each field with what looks like a placeholder and names no known column."""
    for field in TEXTS:
        unknown = [tag for tag in foreign_tags(getattr(template, field).text) if tag.doubtful]
        for tag in _unknown(unknown, known)[:1]:
            message = _(
                "“%(written)s” looks like a merge tag of another program. Recipients get it as it"
                " stands."
            )
            yield Problem(field, message % {"written": tag.written})


def _unknown(tags: list[ForeignTag], known: set[str]) -> list[ForeignTag]:
    return [tag for tag in tags if column_of(tag.name, known) is None]
