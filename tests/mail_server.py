"""A mail server at the other end of a real socket: it takes messages and answers as it is told."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from pytest_django import Settings

FAIL_AFTER_DATA = "lost"  # instead of a reply: the message is taken, and the connection is lost


@dataclass
class MailServer:
    """`replies` to a recipient, in turn; further ones and other recipients are accepted.

    `received` has each accepted message, `asked` each recipient that was named.
    """

    port: int = 0
    replies: dict[str, list[str]] = field(default_factory=dict)
    received: list[EmailMessage] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def reply(self, address: str) -> str:
        self.asked.append(address)
        replies = self.replies.get(address)
        return replies.pop(0) if replies else "250 ok"

    @property
    def recipients(self) -> list[str]:
        """Whom the received messages are to."""
        return [str(message["To"]) for message in self.received]


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        script: MailServer = self.server.script  # type: ignore[attr-defined]
        recipient_reply = ""
        self.say("220 tests")
        while line := self.rfile.readline().decode().strip():
            command = line[:4].upper()
            if command == "RCPT":
                recipient_reply = script.reply(line[line.index("<") + 1 : line.index(">")])
                self.say("250 ok" if recipient_reply == FAIL_AFTER_DATA else recipient_reply)
            elif command == "DATA":
                self.say("354 go on")
                script.received.append(self.message())
                if recipient_reply == FAIL_AFTER_DATA:
                    return
                self.say("250 taken")
            else:
                self.say("221 bye" if command == "QUIT" else "250 ok")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        parsed = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """A running mail server that the settings name."""
    script = MailServer()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        server.script = script  # type: ignore[attr-defined]
        script.port = server.server_address[1]
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", script.port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield script
        server.shutdown()
        thread.join()
