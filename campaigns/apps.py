from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("ViberDash")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in
        from django_q.signals import post_execute

        from campaigns.compose.library import dependants
        from campaigns.contacts.fetching import schedules
        from campaigns.contacts.lists import contact_lists
        from campaigns.contacts.search.index import ensure_search_index
        from campaigns.dispatch.budgets import warnings as budget_warnings
        from campaigns.dispatch.workers.health import record_sign_of_life
        from campaigns.engagement.sign_up import retention as sign_up_retention
        from campaigns.events import log_retention
        from campaigns.ledger.append_only import ensure_append_only
        from campaigns.reports.spend import saved_reports
        from campaigns.shared.queue import ensure_schedules
        from campaigns.shared.text import register_lookups
        from campaigns.team.audit import append_only as audit_trail
        from campaigns.team.brands import ensure_first_brand
        from campaigns.team.sign_in import sessions
        from campaigns.team.tokens import tokens

        register_lookups()

        dependants.register()
        contact_lists.register_removal()
        schedules.register_handover()
        saved_reports.register_handover()
        tokens.register_handover()
        log_retention.register()
        budget_warnings.register()
        sign_up_retention.register()
        post_migrate.connect(ensure_first_brand, sender=self)
        post_migrate.connect(ensure_append_only, sender=self)
        pre_migrate.connect(audit_trail.make_way, sender=self)
        post_migrate.connect(audit_trail.ensure_append_only, sender=self)
        post_migrate.connect(ensure_search_index, sender=self)
        # after the queue's own tables are there
        post_migrate.connect(ensure_schedules, sender=apps.get_app_config("django_q"))
        post_execute.connect(record_sign_of_life)
        user_logged_in.connect(sessions.begin)
