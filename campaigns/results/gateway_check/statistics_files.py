"""Statistics files: whether the account offers them (docs/gateway-contract.md, "Statistics files").

`check_files` is the place for that check: ViberDash does not use the files yet.
"""

from django.utils.translation import gettext as _

from campaigns.gateway.bsg.client import Client
from campaigns.results.gateway_check import steps
from campaigns.results.gateway_check.steps import Step


def check_files(client: Client) -> Step:
    """Whether files can be asked for. `client` has short timeouts and keeps samples."""
    return steps.not_tried(steps.FILES, _("ViberDash does not use statistics files yet."))
