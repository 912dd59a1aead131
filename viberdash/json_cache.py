"""What the cache keeps in Redis is JSON: whoever can write there gets no code into a process."""

import json
from typing import Any


class JsonSerializer:
    """For CACHES: numbers, texts, lists and dictionaries of them."""

    def dumps(self, value: Any) -> int | str:
        """`value` for Redis. An integer stays one, for `incr`. Raises TypeError for what JSON has
        no form for.
        """
        return value if type(value) is int else json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        """The value of `dumps`; None, as for a key that is not there, if it is not JSON."""
        try:
            return json.loads(stored)
        except ValueError:
            return None
