"""All rows of the database, to compare it before and after something that must not change it, or
that must change exactly some columns.
"""

from typing import Any

from django.apps import apps
from django.db.models import Model

Rows = dict[str, dict[Any, dict[str, Any]]]  # name of a model -> primary key -> columns


def everything() -> Rows:
    """The rows of all our models."""
    return stored(*apps.get_app_config("campaigns").get_models())


def stored(*models: type[Model]) -> Rows:
    """The rows of `models`."""
    return {
        model.__name__: {row[_key(model)]: row for row in model._default_manager.values()}
        for model in models
    }


def changes(model: type[Model], before: Rows) -> dict[Any, dict[str, Any]]:
    """The new values of the columns of `model` that differ from `before`, by primary key."""
    old, new = before[model.__name__], stored(model)[model.__name__]
    assert old.keys() == new.keys()
    return {
        key: {name: value for name, value in row.items() if value != old[key][name]}
        for key, row in new.items()
        if row != old[key]
    }


def _key(model: type[Model]) -> str:
    assert model._meta.pk is not None
    return model._meta.pk.attname
