"""`python -m tests.dispatch.claimers CAMPAIGN HOW_MANY`: so many processes claim its batches at
once.

Prints a line of JSON for each: the ids of the batches whose intent it has committed.
"""

import json
import os
import secrets
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.dispatch.send.leases import claim, intend  # noqa: E402

AT_ONCE = 50


def claim_all(campaign_id: int) -> list[int]:
    """Claim until nothing is left to claim, each time as a sender does it: the claim, then the
    intent.
    """
    token, ours = secrets.token_hex(16), list[int]()
    while True:
        now = timezone.now()
        with transaction.atomic():
            claims = claim(campaign_id, AT_ONCE, token, now)
        if not claims:
            return ours
        with transaction.atomic():
            ours += [one.id for one in intend(claims, token, now)]


def main(campaign_id: int, how_many: int) -> None:
    gate, opened = os.pipe()
    written = []
    for _process in range(how_many):
        reader, writer = os.pipe()
        if not os.fork():
            os.close(opened)
            os.read(gate, 1)  # nobody begins before all are there
            with os.fdopen(writer, "w") as out:
                json.dump(claim_all(campaign_id), out)
            os._exit(0)
        os.close(writer)
        written.append(reader)
    os.close(opened)
    for reader in written:
        with os.fdopen(reader) as out:
            print(out.read())  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
