#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists what ViberDash adds to it."""

import sys

from viberdash.environment import load_settings
from viberdash.installed import installed

if __name__ == "__main__":
    if sys.argv[1:] in (["version"], ["--version"]):  # Django's own would say Django's
        print(installed())
        sys.exit()
    load_settings()
    from viberdash.command_line import execute  # after the settings

    execute(sys.argv)
