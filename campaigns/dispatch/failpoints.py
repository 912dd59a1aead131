"""Named places at which a test may kill this process, to prove that nothing is lost or doubled there.

Nothing happens unless the environment names one: FAILPOINT="intended:3" kills with SIGKILL at the third pass.
"""

import os
import signal

_name, _, _pass = os.environ.get("FAILPOINT", "").partition(":")
_left = int(_pass or 1)


def reach(name: str) -> None:
    """Here is the place `name`."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
