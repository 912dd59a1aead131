"""The cache: nothing that is read from Redis is a pickle."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache

from viberdash.json_cache import JsonSerializer

pytestmark = pytest.mark.services


class MakesFolder:
    """A pickle that makes a folder when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("value", [0, -7, "Олена", 1.5, True, None, ["a", {"b": 1}]])
def test_values_come_back_as_they_were(value: object) -> None:
    cache.set("value", value)
    assert cache.get("value", "absent") == value
    assert type(cache.get("value")) is type(value)


def test_counters_count() -> None:
    cache.set("counter", 41)
    assert cache.incr("counter") == 42
    assert cache.get("counter") == 42


def test_pickle_that_somebody_wrote_is_not_opened(tmp_path: Path) -> None:
    written = pickle.dumps(MakesFolder(tmp_path / "made"))
    assert JsonSerializer().loads(written) is None
    assert list(tmp_path.iterdir()) == []


def test_objects_are_refused() -> None:
    with pytest.raises(TypeError):
        JsonSerializer().dumps(Path("/"))
