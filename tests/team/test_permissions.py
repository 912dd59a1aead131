"""Roles are sets of permissions; code asks for a permission, and the documents tell them all."""

import re
from pathlib import Path

import pytest

from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand, Membership, Role, User
from campaigns.team.permissions import PERMISSIONS, Permission, roles_with
from campaigns.team.roles import has_permission, users_with_permission

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "campaigns").rglob("*.py"))


def test_each_role_has_the_permissions_of_the_one_before() -> None:
    sizes = [len(PERMISSIONS[role]) for role in Role]
    assert all(
        PERMISSIONS[lower] < PERMISSIONS[higher]
        for lower, higher in zip(Role, list(Role)[1:], strict=False)
    )
    assert sizes == [1, 9, 10, 19]


def test_every_permission_is_asked_for() -> None:
    text = "".join(
        path.read_text() for path in SOURCES if path.name not in ("permissions.py", "models.py")
    )
    asked = set(re.findall(r"Permission\.([A-Z_]+)", text))
    assert asked == {permission.name for permission in Permission}


def test_no_page_asks_for_a_role() -> None:
    """Roles are read where they are given to users, in team/ and by `prepare`."""
    asking = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"\bRole\.[A-Z]", path.read_text()) and "migrations" not in path.parts
    }
    assert {name for name in asking if not name.startswith("campaigns/team/")} == {
        "campaigns/management/commands/prepare.py"
    }
    assert not {
        name for name in asking if "views" in name or name.endswith(("access.py", "audit.py"))
    }


def test_the_document_names_who_may_do_what() -> None:
    rows = [
        f"| {permission.label} | {', '.join(str(role.label) for role in roles_with(permission))} |"
        for permission in Permission
    ]
    assert "\n".join(rows) in (ROOT / "docs" / "security.md").read_text()


@pytest.mark.django_db
def test_a_permission_holds_in_the_brand_of_the_role() -> None:
    other = Brand.objects.create(name="Other", slug="other")
    anna = User.objects.create_user("anna", role=Role.VIEWER)
    Membership.objects.create(user=anna, brand=other, role=Role.APPROVER)
    closed = User.objects.create_user("closed", role=Role.ADMINISTRATOR, is_active=False)
    assert not has_permission(closed, Permission.VIEW)
    assert [has_permission(anna, p) for p in (Permission.VIEW, Permission.SEND)] == [True, False]
    assert list(users_with_permission(Permission.SEND, Permission.VIEW)) == []
    with acting_for(other.pk):
        assert has_permission(anna, Permission.SEND)
        assert has_permission(anna, Permission.APPROVE)
        assert not has_permission(anna, Permission.MANAGE_SENDERS)
        assert list(users_with_permission(Permission.SEND, Permission.APPROVE)) == [anna]
