"""Values of merge tags as numbers and days, for conditions such as "more than".

The values are texts: in their normal form on lists where the field has a type, else as they came in
files. Those that are neither numbers nor days are NULL here: they are neither more nor less than
anything.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, FloatField, Func, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, Replace, Substr
from django.db.models.lookups import Regex
from django.db.models.sql.compiler import SQLCompiler
from django.utils.formats import get_format

from campaigns.contacts.field_types import value_formats
from campaigns.contacts.field_types.list_fields import lists_with
from campaigns.contacts.models import FieldType
from campaigns.shared.text import INVISIBLE
from campaigns.shared.typed_numbers import read_number

BLANKS = " \u00a0\u2007\u2009\u202f'’"  # between thousands
DAY, MONTH = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])"
# \Z: in Python "$" also stands before a newline at the end, in PostgreSQL it does not
ISO_DAY = rf"^[0-9]{{4}}-{MONTH}-{DAY}([ T][0-9:.+Z-]*)?\Z"  # sorts as it reads
MONTH_DAY = (  # February has 29 days here
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|[12][0-9]))"
)
NORMAL_DAY = rf"^[0-9]{{4}}-{MONTH_DAY}\Z"
NORMAL_NUMBER = r"^-?(?=([0-9][.]?){1,15}\Z)(0|[1-9][0-9]*)([.][0-9]*[1-9])?\Z"
WRITTEN_DAY = rf"^{DAY}[./]{MONTH}[./][0-9]{{4}}\Z"


def read_threshold(typed: str) -> Decimal | date | None:
    """The number or the day in `typed`, which values are compared with; None if it is neither."""
    number = read_number(typed)
    return read_day(typed) if number is None else number


def read_day(typed: str) -> date | None:
    """The day in `typed`, as the reader writes it or as 2026-01-31; None if it is none."""
    for day_format in ("%Y-%m-%d", "%d.%m.%Y", *get_format("DATE_INPUT_FORMATS")):
        try:
            return datetime.strptime(typed.strip(), day_format).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    return None


def stored_threshold(value: str) -> Decimal | date | None:
    """The threshold in the saved `value` of a condition, whatever the reader's language."""
    number, day = value_formats.as_number(value), value_formats.as_date(value)
    return read_threshold(value) if number is None and day is None else day or number


def number_of(name: str, text: Combinable) -> Case:
    """The number in `text`, a value of the field `name`, or NULL."""
    lists = lists_with(name, FieldType.NUMBER)
    if not lists:
        return as_number(text)
    normal = Case(
        When(Regex(text, NORMAL_NUMBER), then=Cast(text, FloatField())), output_field=FloatField()
    )
    return Case(
        When(list__in=lists, then=normal), default=as_number(text), output_field=FloatField()
    )


def day_of(name: str, text: Combinable) -> Case:
    """The day in `text`, a value of the field `name`, as "2026-01-31", or NULL."""
    lists = lists_with(name, FieldType.DATE)
    if not lists:
        return as_day(text)
    normal = Case(When(Regex(text, NORMAL_DAY), then=text), output_field=TextField())
    return Case(When(list__in=lists, then=normal), default=as_day(text), output_field=TextField())


def as_number(text: Combinable) -> Case:
    """The number in `text`, as `read_number` reads it in the site's language, or NULL."""
    text = WithoutInvisibleEnds(text, Value(INVISIBLE), output_field=TextField())
    point = get_format("DECIMAL_SEPARATOR", lang=settings.LANGUAGE_CODE)
    group = "," if point == "." else "."
    decimals, thousands = "[0-9]{1,6}", "^-?[1-9][0-9]{0,2}"
    plain = (
        rf"^-?([0-9]{{1,15}}([{point}]{decimals})?|[0-9]{{1,15}}[{group}]([0-9]{{1,2}}|[0-9]{{4,6}})"
        rf"|(0|[0-9]{{4,15}})[{group}][0-9]{{3}})\Z"
    )
    grouped = rf"{thousands}([{group}][0-9]{{3}})+([{point}]{decimals})?\Z"
    lakhs = rf"^-?[1-9][0-9]?([{group}][0-9]{{2}})+[{group}][0-9]{{3}}([{point}]{decimals})?\Z"
    other = rf"{thousands}(([{point}][0-9]{{3}})+[{group}]{decimals}|([{point}][0-9]{{3}}){{2,}})\Z"
    blanks = rf"{thousands}([{BLANKS}][0-9]{{3}})+([.,]{decimals})?\Z"
    # PostgreSQL fails on casting a text that is not a number
    return Case(
        When(Regex(text, plain), then=_cast(text)),
        When(Regex(text, grouped), then=_cast(text, group)),
        When(Regex(text, blanks), then=_cast(text, BLANKS)),
        When(Regex(text, other), then=_cast(text, point)),
        When(Regex(text, lakhs), then=_cast(text, group)),
        output_field=FloatField(),
    )


class WithoutInvisibleEnds(Func):
    """A text without the invisible signs at its ends."""

    function = "TRIM"

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> Any:
        """The same, which is called otherwise there."""
        return self.as_sql(compiler, connection, function="BTRIM", **context)


def _cast(text: Combinable, separators: str = "") -> Cast:
    for separator in separators:
        text = Replace(text, Value(separator), Value(""))
    return Cast(Replace(text, Value(","), Value(".")), FloatField())


def as_day(text: Combinable) -> Case:
    """The day in `text`, as "2026-01-31", or NULL. Days come first: 31.01.2026, 31/01/2026."""
    written = Concat(
        Substr(text, 7, 4), Value("-"), Substr(text, 4, 2), Value("-"), Substr(text, 1, 2)
    )
    return Case(
        When(Regex(text, ISO_DAY), then=Substr(text, 1, 10)),
        When(Regex(text, WRITTEN_DAY), then=written),
        output_field=TextField(),
    )
