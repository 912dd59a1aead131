"""What others are told of an import: that it begins, ends or is undone."""

from campaigns.contacts.models import Import, ImportState
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange

FAMILY = "import."  # kinds of changes are called "import.finished"


def record(before: Import, state: ImportState) -> None:
    """Record that an import, as it was `before`, is in `state` now. Call it in the transaction."""
    wanted = recording.load_wanted(FAMILY)
    change = NewChange(
        before.brand_id, f"{FAMILY}{state.value}", before.pk, before.state, state.value
    )
    recording.record([change], wanted)
