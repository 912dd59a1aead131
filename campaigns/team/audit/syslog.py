"""A copy of the trail at a syslog server (AUDIT_SYSLOG): each entry at least once, in order.

Python's SysLogHandler, but for three things of TCP: it gives up after TIMEOUT, ends each message
with a line feed (RFC 6587), and takes a message as received once the server has read to the end and
closed the connection. UDP has no answers: what is lost on the way stays lost.
"""

import logging
import socket
from collections.abc import Sequence
from logging.handlers import SysLogHandler
from urllib.parse import urlsplit

from django.conf import settings

from campaigns.team.audit.chain import FIELDS, Row, as_json
from campaigns.team.models import AuditEntry, AuditProgress

logger = logging.getLogger(__name__)
BATCH = 500  # entries between two notes of how far it is
TIMEOUT = 5.0  # seconds
PORT = 514


class Stream(SysLogHandler):
    """A connection to the server that `address` names: udp://host:514, tcp://… or unix:/dev/log.

    Sending and closing raise OSError where the server cannot be reached.
    """

    ident = "viberdash: "
    append_nul = False

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.is_tcp = parts.scheme == "tcp"
        place = parts.path if parts.scheme == "unix" else (parts.hostname or "", parts.port or PORT)
        kind = socket.SOCK_STREAM if self.is_tcp else socket.SOCK_DGRAM
        super().__init__(place, SysLogHandler.LOG_AUTHPRIV, kind)

    def createSocket(self) -> None:  # noqa: N802 - a method of SysLogHandler
        if not self.is_tcp:
            super().createSocket()
            return
        assert isinstance(self.address, tuple)
        self.unixsocket = False
        self.socket = socket.create_connection(self.address, TIMEOUT)

    def send(self, row: Row, position: int, link_hash: str) -> None:
        """Send an entry with its place in the chain."""
        text = f'{{"position":{position},"hash":"{link_hash}",{as_json(row)[1:]}'
        end = "\n" if self.is_tcp else ""
        self.emit(logging.makeLogRecord({"levelname": "INFO", "msg": f"{text}{end}"}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Called in an `except` block: the entry stays to be sent."""
        raise

    def finish(self) -> None:
        """Wait until the server has everything. Raises OSError otherwise."""
        if self.is_tcp and self.socket:
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(1024):
                pass


def send_next() -> int:
    """Send the next entries of the chain; return how many. 0 also where the server is not there:
    the next run tries again.
    """
    position = AuditProgress.objects.values_list("streamed", flat=True).get(pk=1)
    rows = list(
        AuditEntry.objects.filter(link__position__gt=position)
        .order_by("link__position")
        .values_list(*FIELDS, "link__position", "link__hash")[:BATCH]
    )
    if not rows:
        return 0
    try:
        _send(rows)
    except OSError as error:
        logger.warning("The audit trail could not be sent to AUDIT_SYSLOG: %s", error)
        return 0
    AuditProgress.objects.filter(streamed__lt=rows[-1][-2]).update(streamed=rows[-1][-2])
    return len(rows)


def _send(rows: Sequence[Row]) -> None:
    stream = Stream(settings.AUDIT_SYSLOG)
    try:
        for row in rows:
            stream.send(row[:-2], row[-2], row[-1])
        stream.finish()
    finally:
        stream.close()
