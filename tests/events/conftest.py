"""Webhooks to a server of this machine, which the name files.test leads to."""

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from campaigns.events import webhooks
from campaigns.events.models import Webhook
from tests.events.receiver import Receiver
from tests.file_server import FileServer


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.WEBHOOK_INTERNAL_TARGETS = ["files.test"]


@pytest.fixture
def receiver(file_server: FileServer) -> Receiver:
    """A target that answers 200, until a test says otherwise."""
    return Receiver(file_server)


@pytest.fixture
def webhook(receiver: Receiver) -> Webhook:
    """A webhook that wants to know of all campaigns and messages."""
    made = webhooks.create(None, receiver.chosen())
    receiver.secrets = [webhooks.reveal_secret(None, made)]
    made.refresh_from_db()
    return made
