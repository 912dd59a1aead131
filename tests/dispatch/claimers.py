"""`python -m tests.dispatch.claimers CAMPAIGN PROCESSES`: so many processes claim its batches.

Prints a line of JSON for each: the ids of the batches whose intent it committed.
"""

import json
import os
import secrets
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.dispatch.send.leases import claim, record_intents  # noqa: E402

BATCHES_AT_ONCE = 50


def claim_all(campaign_id: int) -> list[int]:
    """Claim until nothing is left, each time as a sender does: the claim, then the intent."""
    token, intended = secrets.token_hex(16), list[int]()
    while True:
        now = timezone.now()
        with transaction.atomic():
            claims = claim(campaign_id, BATCHES_AT_ONCE, token, now)
        if not claims:
            return intended
        with transaction.atomic():
            intended += [claimed.id for claimed in record_intents(claims, token, now)]


def main(campaign_id: int, processes: int) -> None:
    gate, gate_opener = os.pipe()
    readers = []
    for _process in range(processes):
        reader, writer = os.pipe()
        if not os.fork():
            os.close(gate_opener)
            os.read(gate, 1)  # nobody starts before all are there
            with os.fdopen(writer, "w") as out:
                json.dump(claim_all(campaign_id), out)
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    os.close(gate_opener)
    for reader in readers:
        with os.fdopen(reader) as out:
            print(out.read())  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
