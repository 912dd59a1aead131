"""Topics that persons want messages about, or do not want: short words, such as "new arrivals"."""

from collections.abc import Iterable

from campaigns.contacts.models import TopicPreference
from campaigns.shared.text import fold

TOPIC_MAX = TopicPreference._meta.get_field("topic").max_length or 0


def read_topics(typed: str) -> list[str]:
    """The topics in `typed`, between commas or on lines, in small letters, each once, sorted."""
    parts = typed.replace("\0", "").replace("\n", ",").split(",")
    return sorted({fold(" ".join(part.split())) for part in parts} - {""})


def join_topics(topics: Iterable[str]) -> str:
    """Topics as one text, which `read_topics` reads."""
    return ", ".join(sorted(topics))


def topics_in_use() -> list[str]:
    """All topics that some person wants or does not want."""
    topics = TopicPreference.objects.order_by("topic").values_list("topic", flat=True)
    return list(topics.distinct())
