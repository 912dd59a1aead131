"""Test groups: phones of the team for test sends."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.schemas import Body, Id, Name
from campaigns.compose.launch.test_limits import PHONES_MAX
from campaigns.compose.library import test_groups
from campaigns.compose.models import TestGroup
from campaigns.compose.pages.settings_forms import TestGroupForm
from campaigns.contacts.phones.masking import mask_cell
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Test groups"])
COMPOSE = Needs(Permission.COMPOSE)
GroupId = Annotated[Id, Path()]


class TestGroupOut(Schema):
    id: int
    name: str
    phones: Annotated[list[str], Field(description="As they were typed; masked if phones are.")]
    created_at: datetime


class TestGroupPage(Page[TestGroupOut]):
    pass


class TestGroupIn(Body):
    name: Name
    phones: Annotated[
        list[Annotated[str, Field(pattern=r"^[^,;\s\x00][^,;\r\n\x00]*$", max_length=40)]],
        Field(min_length=1, max_length=PHONES_MAX),
    ]


@router.get("test-groups", response=TestGroupPage, auth=COMPOSE)
def list_test_groups(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The test groups of the brand."""
    user = actor(request)
    rows = visible_to(user, TestGroup.objects.all())
    return page(request, rows, query, lambda row: group_out(row, user))


@router.post("test-groups", response={201: TestGroupOut}, auth=COMPOSE)
def create_test_group(request: HttpRequest, body: TestGroupIn) -> Any:
    """A new test group, of up to 10 phones."""
    form = TestGroupForm(posted({"name": body.name, "phones": "\n".join(body.phones)}))
    require_valid(form)
    group = form.save(commit=False)
    test_groups.add(group, actor(request))
    return Status(201, group_out(group, actor(request)))


@router.delete("test-groups/{group_id}", response={204: None}, auth=COMPOSE)
def delete_test_group(request: HttpRequest, group_id: GroupId) -> Any:
    """Delete a test group. Tests already sent to it stay."""
    user = actor(request)
    group = get_object_for(user, TestGroup.objects.all(), Permission.COMPOSE, pk=group_id)
    test_groups.delete(group, user)
    return Status(204, None)


def group_out(group: TestGroup, user: User) -> TestGroupOut:
    """A group as `user` sees it."""
    sees = sees_phones(user)
    return TestGroupOut(
        id=group.pk,
        name=group.name,
        phones=[phone if sees else mask_cell(phone) for phone in group.phones],
        created_at=group.created_at,
    )
