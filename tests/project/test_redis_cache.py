"""Redis that goes away and comes back: pages do without it, and the log does not fill up."""

import pytest
from redis.exceptions import ConnectionError as RedisIsAway

from viberdash import redis_cache


class Server:
    """Answers unless it is away; counts what it is asked."""

    is_away = True
    asked = 0

    def get(self) -> str:
        self.asked += 1
        if self.is_away:
            raise RedisIsAway("Connection refused")
        return "value"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(redis_cache, "_absence", redis_cache._Absence())
    return Server()


def test_it_is_tried_ever_more_rarely_and_told_once_a_minute(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("viberdash.redis_cache.time.monotonic", lambda: now)
    found = set()
    for _half_second in range(600):  # five minutes
        found.add(redis_cache._attempt(server.get, "nothing"))
        now += 0.5
    assert found == {"nothing"}
    assert server.asked == 14  # after 0, 1, 3, 7, 15, 31, 63 and then each 32 seconds
    away = "Redis is away, so pages do without their cache: Connection refused"
    assert caplog.messages == [away] * 5
    server.is_away = False
    now += redis_cache.LONGEST_WAIT
    assert [redis_cache._attempt(server.get, "nothing") for _time in range(3)] == ["value"] * 3
    assert caplog.messages == [*[away] * 5, "Redis is back"]


def test_cache_without_redis_is_empty(server: Server) -> None:
    cache = redis_cache.AbsentRedisCache("redis://127.0.0.1:1/0", {})
    cache.set("a", 1)
    assert cache.get("a") is None
    assert cache.get("a", "otherwise") == "otherwise"
    assert cache.get_many(["a"]) == {}
    assert cache.add("a", 1)
    assert not cache.has_key("a")
    assert not cache.touch("a")
    assert not cache.delete("a")
    assert cache.set_many({"a": 1}) == ["a"]
    cache.clear()
    cache.delete_many(["a"])
    with pytest.raises(ValueError, match="Key 'a' not found"):
        cache.incr("a")
