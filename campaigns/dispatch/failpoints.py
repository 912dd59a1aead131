"""Named places at which a test kills this process, to prove that nothing is lost or sent twice.

Nothing happens unless one is armed: FAILPOINT="intended:3" in the environment kills the process
with SIGKILL when it passes that place for the third time.
"""

import os
import signal

_armed_name = ""
_passes_left = 0


def arm(place: str) -> None:
    """Kill this process at `place`, written "name" or "name:pass"; "" disarms."""
    global _armed_name, _passes_left
    _armed_name, _, number = place.partition(":")
    _passes_left = int(number or 1)


def failpoint(name: str) -> None:
    """Mark the place `name`, at which a test may kill this process."""
    global _passes_left
    if name != _armed_name:
        return
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("FAILPOINT", ""))
