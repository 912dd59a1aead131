"""The key of the codes in tracked links."""

import secrets

from django.db import models

KEY_BYTES = 32


def new_key() -> str:
    return secrets.token_hex(KEY_BYTES)


class LinkKey(models.Model):
    """The key from which the codes of all tracked links are made: one row, which never changes.

    It is not derived from SECRET_KEY, so links work on when that changes; a backup contains it.
    """

    ONLY = 1  # the id of the row

    key = models.CharField(max_length=2 * KEY_BYTES, default=new_key)  # hex digits

    class Meta:
        verbose_name = "key of links"
        verbose_name_plural = "keys of links"

    def __str__(self) -> str:
        return "key of links"
