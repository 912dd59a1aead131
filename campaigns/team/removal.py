"""Removal of what others may depend on: lists, segments, images, templates, senders.

Dependants are found by their relations, so that a package need not import later ones. Where there
is no relation, or where drafts need what others do without, the package of the dependants registers
it (compose/library/dependants.py).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import PROTECT, SET_NULL, ManyToManyRel, ManyToOneRel, Model, ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.team import audit
from campaigns.team.models import User

DRAFT = "draft"
# states in which an object no longer needs what it refers to; "" is that of objects without states
STATES_THAT_RELEASE = ("", DRAFT, "finished", "cancelled")
MAX_REFERRERS = 1_000  # of one kind
NAMES_SHOWN = 5
MAX_ATTEMPTS = 3


class InUse(Exception):  # noqa: N818 - not a failure: somebody needs it
    """Something needs the object. `names` are those of what does."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(join_names(names))
        self.names = names


class Dependant(NamedTuple):
    """An object that refers to another: its kind, its name, and whether it needs the other."""

    kind: str
    name: str
    needs_it: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that refers to another, and whether it needs it."""

    referrer: Model
    needs_it: bool

    @property
    def is_of_draft(self) -> bool:
        return _state(self.referrer) == DRAFT


Source = Callable[[Any], Iterable[Reference]]
_sources: dict[type[Model], Source] = {}
_needed_by_drafts: set[Any] = set()


def register(model: type[Model], source: Source) -> None:
    """Have `source` name what refers to an instance of `model` without a relation."""
    _sources[model] = source


def keep_for_drafts(*fields: Any) -> None:
    """Treat what drafts refer to by `fields` as needed: without it they would reach more people."""
    _needed_by_drafts.update(fields)


def find_dependants(target: Model) -> list[Dependant]:
    """The objects that refer to `target`, each once."""
    return list(
        dict.fromkeys(
            Dependant(
                str(reference.referrer._meta.verbose_name),
                str(reference.referrer),
                reference.needs_it,
            )
            for reference in _references(target)
        )
    )


class Uses(NamedTuple):
    """What a user is told of what refers to an object, before it is deleted; "" for nothing.

    `refusal`: why it can't be deleted. `warning`: what loses it otherwise.
    """

    refusal: str
    warning: str


def describe_uses(target: Model) -> Uses:
    """The uses of `target` in words."""
    references = list(_references(target))
    if needed := _names(reference for reference in references if reference.needs_it):
        text = _("It can't be deleted while it is used by: %(names)s.")
        return Uses(text % {"names": join_names(needed)}, "")
    drafts = _names(reference for reference in references if reference.is_of_draft)
    others = _names(reference for reference in references if not reference.is_of_draft)
    texts = []
    if drafts:
        texts.append(_("These drafts lose it: %(names)s.") % {"names": join_names(drafts)})
    if others:
        texts.append(_("Used in: %(names)s.") % {"names": join_names(others)})
    return Uses("", " ".join(texts))


def remove_if_unneeded(target: Model, actor: User | None, action: str, detail: str = "") -> bool:
    """Delete `target` and record it. Drafts that lose it get another version, so that nobody saves
    or launches them as they were. False if it was gone already.

    Raises InUse. Call it outside a transaction: locks are taken in the order of those who save and
    launch drafts, campaign before list, and anew where a draft began to refer to it meanwhile.
    """
    for _attempt in range(MAX_ATTEMPTS):
        with transaction.atomic():
            locked_drafts = _lock(_drafts(_references(target)))
            locked = type(target)._default_manager.select_for_update().filter(pk=target.pk).first()
            if locked is None:
                return False
            references = list(_references(locked))
            if needed := _names(reference for reference in references if reference.needs_it):
                raise InUse(needed)
            drafts = _drafts(references)
            if drafts.keys() <= locked_drafts:
                _change_version(drafts.values())
                _delete(locked, actor, action, detail)
                return True
    raise InUse([str(draft) for draft in drafts.values()])


def join_names(names: list[str]) -> str:
    """The first of `names`, separated by commas."""
    return ", ".join(names[:NAMES_SHOWN])


def _references(target: Model) -> Iterator[Reference]:
    for relation in target._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel | ManyToManyRel):
            yield from _by_relation(relation, target)
    if source := _sources.get(type(target)):
        yield from source(target)


def _by_relation(relation: ManyToOneRel | ManyToManyRel, target: Model) -> Iterator[Reference]:
    """What refers to `target` by a relation. A relation that only deletes along does not count; one
    that is emptied counts for drafts, which change by that.
    """
    on_delete = getattr(relation, "on_delete", None)
    is_list = isinstance(relation, ManyToManyRel)
    if not is_list and on_delete not in (PROTECT, SET_NULL):
        return
    model: type[Model] = relation.related_model
    referrers = model._default_manager.filter(**{relation.field.name: target})
    if on_delete is SET_NULL:
        if not _has_drafts(model):
            return
        referrers = referrers.filter(state=DRAFT)
    for referrer in referrers[:MAX_REFERRERS]:
        needs_it = (
            on_delete is PROTECT
            or _state(referrer) not in STATES_THAT_RELEASE
            or (_state(referrer) == DRAFT and relation.field in _needed_by_drafts)
        )
        yield Reference(referrer, needs_it)


def _has_drafts(model: type[Model]) -> bool:
    return any(
        field.name == "state" and DRAFT in dict(field.flatchoices)
        for field in model._meta.concrete_fields
    )


def _state(referrer: Model) -> str:
    return str(getattr(referrer, "state", ""))


def _names(references: Iterable[Reference]) -> list[str]:
    return list(dict.fromkeys(str(reference.referrer) for reference in references))


def _drafts(references: Iterable[Reference]) -> dict[tuple[type[Model], int], Model]:
    """The drafts of `references`, in the order in which they are locked."""
    drafts = [reference.referrer for reference in references if reference.is_of_draft]
    return {(type(draft), draft.pk): draft for draft in sorted(drafts, key=lambda draft: draft.pk)}


def _lock(drafts: dict[tuple[type[Model], int], Model]) -> set[tuple[type[Model], int]]:
    for model, pk in drafts:
        model._default_manager.select_for_update().filter(pk=pk).first()
    return set(drafts)


def _change_version(drafts: Iterable[Model]) -> None:
    for draft in drafts:
        type(draft)._default_manager.filter(pk=draft.pk).update(updated_at=timezone.now())


def _delete(target: Model, actor: User | None, action: str, detail: str) -> None:
    try:
        audit.delete(actor, target, action, detail)
    except ProtectedError as protected:
        raise InUse(sorted({str(needs) for needs in protected.protected_objects})) from protected
