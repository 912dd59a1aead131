"""Values checked by the form of a page: the API refuses what pages refuse, in their words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from ninja import Schema

from campaigns.api.problems import FieldError, Problem, invalid

NAME_TAKEN = "name_taken"
SAME_NAMES: Mapping[str, str] = MappingProxyType({})


def posted(values: Mapping[str, Any]) -> QueryDict:
    """`values` as a browser posts them: ticked boxes as "on", others and None not at all."""
    data = QueryDict(mutable=True)
    for name, value in values.items():
        if isinstance(value, list):
            data.setlist(name, [str(each) for each in value])
        elif value is True:
            data[name] = "on"
        elif value is not None and value is not False:
            data[name] = str(value)
    return data


def require_known(request: HttpRequest, body: Schema) -> None:
    """Raise Problem for a field of the form around a file that `body` does not have."""
    for name in request.POST:
        if name not in type(body).model_fields:
            raise invalid(name, "extra_forbidden", "There is no such field.")


def field_errors(
    form: forms.BaseForm, paths: Mapping[str, str] = SAME_NAMES, parent: str = ""
) -> list[FieldError]:
    """What is wrong with a form. `paths`: the path in the body of fields that are called otherwise
    there; `parent`: the path that all have in front.
    """
    return [
        FieldError(
            f"{parent}{paths.get(name, '' if name == '__all__' else name)}".rstrip("."),
            str(error.code or "invalid"),
            " ".join(error.messages),
        )
        for name, errors in form.errors.as_data().items()
        for error in errors
    ]


def require_valid(form: forms.BaseForm, paths: Mapping[str, str] = SAME_NAMES) -> dict[str, Any]:
    """The cleaned values of a form. Raises Problem, of code `name_taken` for such a name."""
    if not form.is_valid():
        refuse(field_errors(form, paths))
    return form.cleaned_data


def refuse(errors: list[FieldError]) -> None:
    """Raise the problem of `errors`; nothing if there are none."""
    if not errors:
        return
    if any(error.code == NAME_TAKEN for error in errors):
        raise Problem(409, NAME_TAKEN, errors[0].message, errors)
    raise Problem(422, "invalid", errors[0].message, errors)
