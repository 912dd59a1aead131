"""`python -m viberdash --version`: what is installed. It needs no settings."""

import sys

from viberdash.installed import installed

if __name__ == "__main__":
    if sys.argv[1:] != ["--version"]:
        sys.exit("usage: python -m viberdash --version   (for everything else: manage.py help)")
    print(installed())
