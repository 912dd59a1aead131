"""Changes in Django's admin; the trail has them too."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from campaigns.team import audit
from campaigns.team.pages.access import current_user

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:  # at run time it takes no parameters
    AnyAdmin = admin.ModelAdmin


class RecordedAdmin(AnyAdmin):
    """Records what the admin logs, in the same transaction."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        audit.record(current_user(request), obj, "added", str(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        fields = [name for part in message for name in part.get("changed", {}).get("fields", ())]
        audit.record(current_user(request), obj, "edited", ", ".join(map(str, fields)))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[LogEntry]:
        for obj in queryset:
            audit.record(current_user(request), obj, "deleted", str(obj))
        return super().log_deletions(request, queryset)
