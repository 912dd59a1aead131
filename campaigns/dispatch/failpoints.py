"""Named places at which a test may kill this process, to prove that nothing is lost or doubled
there.

Nothing happens unless the environment names one: FAILPOINT="intended:3" kills with SIGKILL at the
third pass.
"""

import os
import signal

_name = ""
_left = 0


def arm(place: str) -> None:
    """Kill this process at `place`, written as "name" or "name:pass"; the empty text disarms."""
    global _name, _left
    _name, _, number = place.partition(":")
    _left = int(number or 1)


def failpoint(name: str) -> None:
    """Here is the place `name`."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("FAILPOINT", ""))
