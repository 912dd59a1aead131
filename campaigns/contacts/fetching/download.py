"""Fetches the file of an import from its address, in a worker.

The import is READING until its file is here; then it is opened, checked and started like that of an
upload.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.fetching.share_links import table_address
from campaigns.contacts.importing import claims, file_types, uploads
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.lifecycle import NO_WISHES
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.shared.queue import enqueue
from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.fetch import NOT_MODIFIED, Fetched, Limits, fetch
from campaigns.team.audit import record
from campaigns.team.models import User

# below the queue's time for a task
LIMITS = Limits(seconds=90, size=100 << 20)
ENCODED_NAME = re.compile(r"filename\*\s*=\s*utf-8''([^;\s]+)", re.IGNORECASE)  # RFC 6266


@dataclass(frozen=True, slots=True)
class Download:
    """A file below UPLOAD_ROOT, with its name and what tells it from another one."""

    path: str
    name: str
    content_hash: str  # SHA-256, in hex
    etag: str
    last_modified: str


def receive_address(
    address: str,
    contact_list: ContactList | None,
    list_name: str,
    country: str,
    actor: User,
    wishes: Mapping[str, Any] = NO_WISHES,
) -> Import:
    """Make an import of the file at `address`, which a worker fetches.

    `contact_list`: the list to import into; None: a new list called `list_name`, which is created
    when the import starts. `wishes`: as lifecycle.receive_upload takes them.
    """
    table = table_address(address)
    with transaction.atomic():
        contact_import = Import.objects.create(
            list=contact_list,
            list_name=contact_list.name if contact_list else list_name,
            file_name=_name_in_address(table),
            address=table,
            mapping={"country": country or settings.DEFAULT_COUNTRY, **wishes},
            state=ImportState.READING,
            created_by=actor,
            lease_until=timezone.now() + claims.LEASE,
        )
        record(actor, contact_import, "uploaded", contact_import.file_name)
        enqueue(claims.OPEN, contact_import.pk)
    return contact_import


def fetch_file(import_id: int) -> bool:
    """Fetch the file of an import that has an address and no file yet, and have it opened.

    False if there is no such import: then its file can be opened.
    """
    waiting = Import.objects.filter(pk=import_id, state=ImportState.READING, path="")
    if not waiting.exclude(address="").exists():
        return False
    token = claims.claim(import_id, ImportState.READING, claims.OPENING_LEASE)
    claims.guard(import_id, token, lambda mine: _fetch_claimed(mine, token))
    return True


def _fetch_claimed(contact_import: Import, token: str) -> Outcome:
    got = download(contact_import.address)
    assert got is not None  # nothing was asked that could be unchanged
    held = Import.objects.filter(pk=contact_import.pk, state=ImportState.READING, lease_token=token)
    lease_until = timezone.now() + claims.LEASE
    if not held.update(path=got.path, file_name=got.name, lease_until=lease_until, lease_token=""):
        uploads.remove(got.path)  # it was cancelled meanwhile
        raise claims.LeaseLost
    enqueue(claims.OPEN, contact_import.pk)
    return Outcome.DONE


def download(address: str, conditions: Mapping[str, str] | None = None) -> Download | None:
    """Store the file at `address`; None if it is unchanged by `conditions` (headers).

    Raises ContactsError, or OSError if the file cannot be stored.
    """
    digest = hashlib.sha256()
    try:
        with fetch(address, LIMITS, conditions) as fetched:
            if fetched.status == NOT_MODIFIED:
                return None
            path = uploads.store(_hashed(_table(fetched.chunks()), digest))
    except FetchError as refused:
        raise ContactsError(str(refused)) from refused
    return Download(
        path=path,
        name=_file_name(fetched, address),
        content_hash=digest.hexdigest(),
        etag=_value_to_repeat(fetched.headers.get("etag", ""), 300),
        last_modified=_value_to_repeat(fetched.headers.get("last-modified", ""), 100),
    )


def _value_to_repeat(value: str, limit: int) -> str:
    """A header's value that can be sent back as it is; else an empty one."""
    return value if value.isascii() and value.isprintable() and len(value) <= limit else ""


def _hashed(chunks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _table(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks. Raises ContactsError if they are a web page, such as one for signing in."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= file_types.HEAD_BYTES:
            break
    if file_types.is_web_page(head[: file_types.HEAD_BYTES]):
        raise ContactsError(
            _(
                "The address answers with a web page. Publish the sheet, or share it with"
                " everybody who has the link."
            )
        )
    yield head
    yield from chunks


def _file_name(fetched: Fetched, address: str) -> str:
    """The name that the server gives the file, else that in the address."""
    disposition = " ".join(fetched.headers.get("content-disposition", "").split())
    if encoded := ENCODED_NAME.search(disposition):
        name = unquote(encoded[1])
    else:
        header = Message()
        header["Content-Disposition"] = disposition
        name = header.get_filename() or ""
    name = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(sign for sign in name if sign.isprintable()).strip()
    return printable[:255] or _name_in_address(address)


def _name_in_address(address: str) -> str:
    parts = urlsplit(address)
    name = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return (name if "." in name else parts.hostname or "")[:255]
