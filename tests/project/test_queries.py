"""Queries that look innocent and read a whole table, or order by something else than they say."""

import ast
from collections.abc import Iterator

from django.apps import apps
from django.db.models import ForeignKey

from tests.project.structure import ROOT, modules

# they scan, and fold differently on each database: campaigns/shared/text.py has what to use
OWN_FOLDING = ("iexact", "icontains", "istartswith", "iendswith", "iregex")
OWN_LOOKUPS = {"IExact", "IContains", "IStartsWith", "IEndsWith", "IRegex"}


def ordered_by_something_else() -> set[str]:
    """Names of foreign keys whose model has an order of its own: ordering by the key means that."""
    return {
        field.name
        for model in apps.get_app_config("campaigns").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model._meta.ordering
    }


def strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == name:
            yield node


def findings(source: str, keys: set[str]) -> list[str]:
    """What the two rules have against a module."""
    tree = ast.parse(source)
    ordered = [
        f'order_by("{text}") is by the order of its model: write "{text}_id"'
        for call in calls(tree, "order_by")
        for argument in call.args
        for text in strings(argument)
        if text.lstrip("-").rpartition("__")[2] in keys
    ]
    names = [word.arg or "" for word in ast.walk(tree) if isinstance(word, ast.keyword)]
    names += list(strings(tree))
    names = [name.rpartition("__")[2] for name in names if "__" in name]
    lookups = [part.id for part in ast.walk(tree) if isinstance(part, ast.Name)]
    return [
        *ordered,
        *(f"{name}: use a lookup of shared/text.py" for name in names if name in OWN_FOLDING),
        *(f"{name}: use a lookup of shared/text.py" for name in lookups if name in OWN_LOOKUPS),
    ]


def test_no_module_orders_by_a_key_or_folds_by_itself() -> None:
    keys = ordered_by_something_else()
    assert {"list", "campaign", "sender"} <= keys
    found = {
        str(path.relative_to(ROOT)): wrong
        for path in modules()
        if (wrong := findings(path.read_text(encoding="utf-8"), keys))
    }
    assert found == {}


def test_the_check_finds_what_it_is_for() -> None:
    assert findings('x.order_by(length.desc(), "-list", "id")', {"list"})
    assert findings('x.order_by("contact__list")', {"list"})
    assert not findings('x.order_by("list_id", "list__name")', {"list"})
    assert findings('x.filter(name__icontains="a")', set())
    assert findings('search_fields = ("msisdn__iexact",)', set())
    assert findings("Q(IContains(value, wanted))", set())
