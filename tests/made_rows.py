"""A row of any model, with a value in every column that needs one and in each that refers to
another row.
"""

from datetime import date, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

from django.db import models
from django.utils import timezone

M = TypeVar("M", bound=models.Model)
serial = count(1)


def make_row(model: type[M], **columns: Any) -> M:
    """Return a new row of `model`; what `columns` does not give is made up."""
    for field in model._meta.concrete_fields:
        if field.name not in columns and not isinstance(field, models.AutoField):
            columns |= _made_up(model, field)
    return model._default_manager.create(**columns)


def _made_up(model: type[models.Model], field: "models.Field[Any, Any]") -> dict[str, Any]:
    if isinstance(field, models.ForeignKey):
        if field.related_model is model:
            return {}
        # of rows that are referred to, only what they cannot be without
        return {field.name: make_row(field.related_model, **_empty(field.related_model))}
    if field.has_default() or field.null:
        return {}
    return {field.name: _value(field)}


def _empty(model: type[models.Model]) -> dict[str, None]:
    return {
        field.name: None
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.null
    }


def _value(field: "models.Field[Any, Any]") -> Any:
    number = next(serial)
    if field.choices:
        return field.choices[0][0]
    values: dict[type[models.Field[Any, Any]], Any] = {
        models.CharField: f"{number}"[-(field.max_length or 9) :],
        models.TextField: f"{number}",
        models.FileField: f"pictures/{number}.png",
        models.BinaryField: b"",
        models.JSONField: {},
        models.BooleanField: False,
        models.DecimalField: Decimal(number),
        models.FloatField: number + 0.1,
        models.GenericIPAddressField: "192.0.2.1",
        models.IntegerField: number,
        models.DateTimeField: timezone.now(),
        models.DateField: date(2026, 3, 1) + timedelta(days=number),
        models.TimeField: time(9),
        models.UUIDField: uuid4(),
    }
    return next(value for kind, value in values.items() if isinstance(field, kind))
