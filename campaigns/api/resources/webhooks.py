"""Webhooks of the brand, and the log of what was sent to them."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor, has_secret
from campaigns.api.etags import etag, require_match, send
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import invalid
from campaigns.api.schemas import Body, Flag, Id, Text
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.events import kinds, targets, webhooks
from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.events.pages.forms import FIELDS, WebhookForm
from campaigns.events.webhooks import OVERLAP_MAX, Chosen
from campaigns.shared.web.errors import FetchError
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for, require_permission
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Webhooks"])
OPERATE = Needs(Permission.OPERATE)
WebhookId = Annotated[Id, Path()]
DeliveryId = Annotated[Id, Path()]
Address = Annotated[Text, Field(max_length=2000, description="https://…", examples=["https://"])]
Description = Annotated[Text, Field(max_length=200)]
Kinds = Annotated[
    list[Annotated[str, Field(pattern=f"^({'|'.join(map(re.escape, kinds.NAMES))})$")]],
    Field(min_length=1, max_length=len(kinds.NAMES), description="Events that are sent."),
]
IncludePhones = Annotated[
    Flag, Field(description="Events of messages have the recipient's phone. Needs `see_phones`.")
]


class WebhookOut(Schema):
    id: int
    address: str
    description: str
    kinds: list[str]
    include_phones: bool
    is_on: bool
    paused_at: Annotated[datetime | None, Field(description="By ViberDash, since it failed.")]
    pause_reason: str
    failing_since: Annotated[datetime | None, Field(description="No request succeeded since.")]
    is_secret_shown: bool
    old_secret_until: Annotated[
        datetime | None, Field(description="Until then the replaced secret signs too.")
    ]
    created_at: datetime


class WebhookWithSecret(WebhookOut):
    secret: Annotated[str, Field(description="whsec_…: shown in this answer only.")]


class WebhookPage(Page[WebhookOut]):
    pass


class WebhookIn(Body):
    address: Address
    kinds: Kinds
    description: Description = ""
    include_phones: IncludePhones = False


class WebhookChanges(Body):
    """What is not named stays."""

    address: Address | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    include_phones: IncludePhones | None = None


class RotationIn(Body):
    overlap_hours: Annotated[
        int,
        Field(
            ge=0,
            le=int(OVERLAP_MAX / timedelta(hours=1)),
            description="How long the old secret signs too.",
        ),
    ] = 24


class DeliveryOut(Schema):
    """A request with some events, and its last try."""

    id: int
    webhook_id: int
    message_id: Annotated[str, Field(description="The header `webhook-id`, the same in each try.")]
    is_test: bool
    events: int
    result: DeliveryResult
    tries: int
    created_at: datetime
    last_try_at: datetime | None
    next_try_at: datetime | None
    http_status: int | None
    answer: Annotated[str, Field(description="Its first bytes, or why there was none.")]
    milliseconds: int | None


class DeliveryPage(Page[DeliveryOut]):
    pass


class DeliveryQuery(PageQuery):
    result: DeliveryResult | None = None


@router.get("webhooks", response=WebhookPage, auth=OPERATE)
def list_webhooks(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The webhooks of the brand."""
    return page(request, visible_to(actor(request), Webhook.objects.all()), query, webhook_values)


@router.post("webhooks", response={201: WebhookWithSecret}, auth=OPERATE)
@has_secret
def create_webhook(request: HttpRequest, body: WebhookIn, response: HttpResponse) -> Any:
    """A new webhook, which gets the events from now on. The answer has its secret."""
    user = actor(request)
    webhook = webhooks.create(user, _chosen(user, body.model_dump()))
    return Status(201, _revealed(user, webhook, response))


@router.get("webhooks/{webhook_id}", response=WebhookOut, auth=OPERATE)
def get_webhook(request: HttpRequest, webhook_id: WebhookId, response: HttpResponse) -> Any:
    """One webhook, without its secret."""
    return _shown(_get(request, webhook_id), response)


@router.patch("webhooks/{webhook_id}", response={200: WebhookOut, 412: None}, auth=OPERATE)
def change_webhook(
    request: HttpRequest, webhook_id: WebhookId, body: WebhookChanges, response: HttpResponse
) -> Any:
    """Change a webhook. Events that wait are sent as it is then."""
    user = actor(request)
    rows = Webhook.objects.select_for_update()
    webhook = get_object_for(user, rows, Permission.OPERATE, pk=webhook_id)
    require_match(request, _tag(webhook))
    present = {name: getattr(webhook, name) for name in FIELDS}
    chosen = _chosen(user, present | body.model_dump(exclude_none=True))
    webhooks.change(user, webhook, chosen)
    return _shown(_get(request, webhook_id), response)


@router.post("webhooks/{webhook_id}/on", response=WebhookOut, auth=OPERATE)
def switch_webhook_on(request: HttpRequest, webhook_id: WebhookId, response: HttpResponse) -> Any:
    """Switch a webhook on, and end a pause. Events of the time in which it was off are not sent,
    those of a pause are.
    """
    webhooks.switch(actor(request), _get(request, webhook_id), on=True)
    return _shown(_get(request, webhook_id), response)


@router.post("webhooks/{webhook_id}/off", response=WebhookOut, auth=OPERATE)
def switch_webhook_off(request: HttpRequest, webhook_id: WebhookId, response: HttpResponse) -> Any:
    """Switch a webhook off: no events are sent to it."""
    webhooks.switch(actor(request), _get(request, webhook_id), on=False)
    return _shown(_get(request, webhook_id), response)


@router.post(
    "webhooks/{webhook_id}/secret",
    summary="Reveal the secret of a webhook once",
    response=WebhookWithSecret,
    auth=OPERATE,
)
@has_secret
def reveal_webhook_secret(
    request: HttpRequest, webhook_id: WebhookId, response: HttpResponse
) -> Any:
    """The secret of a webhook that was added on a page. Refused if it was shown already."""
    return _revealed(actor(request), _get(request, webhook_id), response)


@router.post("webhooks/{webhook_id}/rotate", response=WebhookWithSecret, auth=OPERATE)
@has_secret
def rotate_webhook_secret(
    request: HttpRequest, webhook_id: WebhookId, body: RotationIn, response: HttpResponse
) -> Any:
    """Replace the secret. The answer has the new one; the old one signs too for a while."""
    user, webhook = actor(request), _get(request, webhook_id)
    webhooks.rotate_secret(user, webhook, timedelta(hours=body.overlap_hours))
    return _revealed(user, webhook, response)


@router.delete("webhooks/{webhook_id}", response={204: None}, auth=OPERATE)
def delete_webhook(request: HttpRequest, webhook_id: WebhookId) -> Any:
    """Delete a webhook with its deliveries."""
    webhooks.delete(actor(request), _get(request, webhook_id))
    return Status(204, None)


@router.post(
    "webhooks/{webhook_id}/test",
    summary="Send a test event to a webhook",
    response={201: DeliveryOut},
    auth=OPERATE,
)
def send_webhook_test(request: HttpRequest, webhook_id: WebhookId) -> Any:
    """Send a test event. Read the delivery for its result. Refused if the webhook is off or
    paused.
    """
    user = actor(request)
    delivery = webhooks.send_test(user, _get(request, webhook_id))
    return Status(201, delivery_out(delivery, user))


@router.get("webhooks/{webhook_id}/deliveries", response=DeliveryPage, auth=OPERATE)
def list_webhook_deliveries(
    request: HttpRequest, webhook_id: WebhookId, query: Query[DeliveryQuery]
) -> Any:
    """The log of a webhook, the newest delivery first."""
    user, rows = actor(request), _get(request, webhook_id).deliveries.all()
    if query.result:
        rows = rows.filter(result=query.result)
    return page(request, rows, query, lambda row: delivery_out(row, user), newest_first=True)


@router.get("webhooks/{webhook_id}/deliveries/{delivery_id}", response=DeliveryOut, auth=OPERATE)
def get_webhook_delivery(
    request: HttpRequest, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Any:
    """One delivery."""
    return delivery_out(_delivery(request, webhook_id, delivery_id), actor(request))


@router.post(
    "webhooks/{webhook_id}/deliveries/{delivery_id}/resend", response=DeliveryOut, auth=OPERATE
)
def resend_webhook_delivery(
    request: HttpRequest, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Any:
    """Send a delivery again, with the `message_id` that it had. Refused if the webhook is off or
    paused.
    """
    user, delivery = actor(request), _delivery(request, webhook_id, delivery_id)
    webhooks.resend(user, delivery)
    delivery.refresh_from_db()
    return delivery_out(delivery, user)


def webhook_values(webhook: Webhook) -> dict[str, Any]:
    """The values of WebhookOut."""
    return {name: getattr(webhook, name) for name in WebhookOut.model_fields}


def delivery_out(delivery: WebhookDelivery, user: User) -> DeliveryOut:
    """A delivery as `user` sees it: a target may answer with phones."""
    same = set(DeliveryOut.model_fields) - {"message_id", "answer"}
    uuid: UUID = delivery.uuid
    answer = delivery.answer if sees_phones(user) else mask_phones_in(delivery.answer)
    return DeliveryOut(
        **{name: getattr(delivery, name) for name in same},
        message_id=f"msg_{uuid.hex}",
        answer=answer,
    )


def _chosen(user: User, values: dict[str, Any]) -> Chosen:
    """`values` of the form of the page. Raises Problem."""
    form = WebhookForm(posted(values))
    require_valid(form)
    chosen = form.chosen()
    if chosen.include_phones:  # the scopes of a token may leave this out
        require_permission(user, Permission.SEE_PHONES)
    try:
        targets.read(chosen.address)
    except FetchError as error:
        raise invalid("address", "not_allowed", str(error)) from None
    return chosen


def _get(request: HttpRequest, webhook_id: int) -> Webhook:
    rows = Webhook.objects.all()
    return get_object_for(actor(request), rows, Permission.OPERATE, pk=webhook_id)


def _delivery(request: HttpRequest, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    rows = WebhookDelivery.objects.select_related("webhook")
    named = {"pk": delivery_id, "webhook": webhook_id}
    return get_object_for(actor(request), rows, Permission.OPERATE, **named)


def _tag(webhook: Webhook) -> str:
    return etag("webhook", webhook.pk, webhook.is_on, *(getattr(webhook, name) for name in FIELDS))


def _shown(webhook: Webhook, response: HttpResponse) -> dict[str, Any]:
    send(response, _tag(webhook))
    return webhook_values(webhook)


def _revealed(user: User, webhook: Webhook, response: HttpResponse) -> dict[str, Any]:
    """The values of WebhookWithSecret; the secret counts as shown. Raises Refused."""
    secret = webhooks.reveal_secret(user, webhook)
    webhook.refresh_from_db()
    return _shown(webhook, response) | {"secret": secret}
