"""One-time codes are accepted once, over all processes.

allauth remembers used codes in the cache, which each process has of its own without Redis.
"""

import time

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.db import transaction

USED = "used"  # in the factor's data: the codes, and when they were used


@transaction.atomic
def use(factor: Authenticator, code: str) -> bool:
    """Note that `code`, which is right, was used for `factor`. False if it was before.

    The secret is encrypted anew, so that it outlives keys in SECRET_KEY_FALLBACKS.
    """
    if factor.type != Authenticator.Type.TOTP:
        return True  # recovery codes are crossed out by allauth
    stored = Authenticator.objects.select_for_update().get(pk=factor.pk)
    now = time.time()
    valid_for = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
    used = {old: at for old, at in stored.data.get(USED, {}).items() if at > now - valid_for}
    normal = normalize_user_code(code)
    if normal in used:
        return False
    secret = encrypt(decrypt(stored.data["secret"]))
    stored.data |= {USED: used | {normal: now}, "secret": secret}
    stored.save(update_fields=["data"])
    return True
