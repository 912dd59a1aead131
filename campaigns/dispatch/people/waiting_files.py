"""Uploaded files that wait for a user to start their import."""

from django.conf import settings

from campaigns.contacts.importing import lifecycle, uploads
from campaigns.contacts.models import Import
from campaigns.dispatch.people.phone_texts import PhoneText


def imports_with_phone(text: PhoneText) -> list[int]:
    """The ids of imports that were not started and whose file has the phone. Reads the files."""
    waiting = Import.objects.filter(state__in=lifecycle.CAN_CHOOSE_COLUMNS).exclude(path="")
    return [
        import_id
        for import_id, path in waiting.order_by("pk").values_list("pk", "path")
        if text.is_in_files(settings.UPLOAD_ROOT.glob(f"{uploads.upload_name(path)}*"))
    ]


def cancel(import_ids: list[int]) -> None:
    """Cancel these imports, which deletes their files; not those that were started meanwhile."""
    for import_id in import_ids:
        lifecycle.cancel(import_id)
