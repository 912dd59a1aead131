"""Detections about a gateway account, made for each of them: that of the environment's key, and
those of brands that have a key of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.gateway.key_in_use import GatewayKey, using
from campaigns.reports.alerts.findings import Finding
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import all_keys, brands_with_keys


class EachAccount:
    """The keys in use, which one query reads."""

    def __init__(self) -> None:
        brands = brands_with_keys()
        self._names = {brand.pk: mask_phones_in(brand.name) for brand in brands}
        self._keys = [key for key in all_keys(brands) if not key.problem]

    def detect(
        self, detect: Callable[[datetime], Sequence[Finding]], now: datetime
    ) -> list[Finding]:
        """What `detect` finds with each key in use. What several keys of an account find, counts
        once.
        """
        findings: dict[tuple[int, str], Finding] = {}
        for key in self._keys:
            with using(key):
                account = accounts.cached().shown
                of_whom = account.pk if account else -key.owner
                for finding in detect(now):
                    findings.setdefault((of_whom, finding.object), self._named(finding, key))
        return list(findings.values())

    def _named(self, finding: Finding, key: GatewayKey) -> Finding:
        """A finding with the key of a brand is the brand's: its users are told."""
        if not key.is_of_brand:
            return finding
        return replace(
            finding,
            object=f"{finding.object} brand:{key.owner}".strip(),
            detail={**finding.detail, "brand": self._names[key.owner]},
            brand_id=key.owner,
        )
