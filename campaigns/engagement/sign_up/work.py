"""The proof of work of a sign-up (hashcash): a browser computes for some seconds before each
request, so that nobody sends thousands of them.

A challenge is a signed text with the page, the wording that it showed and a random number. The
answer is a number for which SHA-256 of "challenge.answer" begins with so many zero bits.
static/js/sign_up.js finds it.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import IntegrityError, transaction

from campaigns.engagement.sign_up.models import SignUpPage, SpentChallenge
from campaigns.shared import database_clock

VALID_FOR = timedelta(hours=1)
ANSWER_MAX = 20  # digits
_signer = TimestampSigner(salt="campaigns.engagement.sign_up", sep="~")


class NotDone(Exception):  # noqa: N818 - a refusal
    """The work was not done for this request: too late, twice, or not at all."""


@dataclass(frozen=True, slots=True)
class Done:
    """Work that was done. `wording_id`: what the page said that the challenge was on."""

    nonce: str
    wording_id: int


def challenge(page: SignUpPage) -> str:
    """A new challenge for a page."""
    bits = settings.SIGN_UP_WORK_BITS
    return _signer.sign(f"{page.code}.{page.wording_id}.{secrets.token_hex(16)}.{bits}")


def check(page: SignUpPage, text: str, answer: str) -> Done:
    """What an answer to the challenge `text` proves. Raises NotDone."""
    try:
        code, wording, nonce, bits = _signer.unsign(text, max_age=VALID_FOR).split(".")
    except (BadSignature, SignatureExpired):
        raise NotDone from None
    is_number = answer.isascii() and answer.isdigit() and len(answer) <= ANSWER_MAX
    digest = hashlib.sha256(f"{text}.{answer}".encode()).digest()
    if code != page.code or not is_number or int.from_bytes(digest) >> 256 - int(bits):
        raise NotDone
    return Done(nonce, int(wording))


def spend(done: Done) -> None:
    """Let the work be good for no other request, in the caller's transaction. Raises NotDone if it
    was used before.
    """
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(nonce=done.nonce, at=database_clock.now())
    except IntegrityError:
        raise NotDone from None


def prune(now: datetime) -> None:
    """Forget challenges that are too old to be used again."""
    SpentChallenge.objects.filter(at__lt=now - 2 * VALID_FOR).delete()
