"""docs/webhooks.md: its example verifies what is sent, and its table has every kind."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from campaigns.events import kinds, webhooks
from campaigns.events.models import Webhook
from tests.events.receiver import Receiver, happen, try_once

TEXT = Path("docs/webhooks.md").read_text(encoding="utf-8")


@pytest.mark.django_db
def test_example_verifies_signatures(webhook: Webhook, receiver: Receiver) -> None:
    found = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert found
    example: dict[str, Any] = {}
    exec(found[1], example)  # our own document
    read_events = example["read_events"]
    webhooks.rotate_secret(None, webhook, timedelta(hours=1))
    new_secret = webhooks.reveal_secret(None, webhook)
    happen(1)
    try_once(webhook, timezone.now())
    headers, body = receiver.server.headers[0], receiver.server.bodies[0]
    for secret in (new_secret, *receiver.secrets):
        (event,) = read_events(secret, headers, body)
        assert event["type"] == "message.read"
    with pytest.raises(ValueError, match="wrong signature"):
        read_events(new_secret, headers, body + b" ")
    with pytest.raises(ValueError, match="wrong signature"):
        read_events("whsec_" + "A" * 44, headers, body)
    old = str(int(headers["webhook-timestamp"]) - 301)
    with pytest.raises(ValueError, match="too old"):
        read_events(new_secret, headers | {"webhook-timestamp": old}, body)


def test_table_has_every_kind() -> None:
    listed = []
    for row in re.findall(r"^\| (`[a-z]+\.[^|]*) \|", TEXT, re.MULTILINE):
        names = re.findall(r"`([a-z_.]+)`", row)
        family = names[0].partition(".")[0]
        listed += [name if not name.startswith(".") else family + name for name in names]
    assert sorted(listed) == sorted([*kinds.NAMES, kinds.TEST])
