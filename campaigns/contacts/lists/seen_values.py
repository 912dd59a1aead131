"""Changes made on a page that others may have overtaken while it was open.

A page posts the values as it showed them at first beside those that the user typed. So only what
the user changed is written, and nothing that came meanwhile is overwritten without asking.
"""

from collections.abc import Mapping


def changed_values(values: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """Those of `values` that the user changed."""
    return {name: value for name, value in values.items() if value != seen[name]}


def find_conflicts(
    changed: Mapping[str, str], seen: Mapping[str, str], present: Mapping[str, str]
) -> dict[str, str]:
    """The `present` values, of what is to be `changed`, that are neither as seen nor as wanted."""
    return {
        name: present[name]
        for name, value in changed.items()
        if present[name] not in (seen[name], value)
    }
