from django.urls import path

from campaigns.results.pages import (
    clear_rehearsal_views,
    correction_views,
    gateway_check_views,
    retention_views,
    statistics_files_views,
    stop_proposal_views,
    variant_views,
)

urlpatterns = [
    path("campaigns/<int:pk>/clear", clear_rehearsal_views.rehearsal_clear, name="rehearsal-clear"),
    path("campaigns/<int:pk>/variant", variant_views.campaign_variant, name="campaign-variant"),
    path(
        "contacts/stop-list/proposals/", stop_proposal_views.stop_proposals, name="stop-proposals"
    ),
    path(
        "contacts/stop-list/proposals/setting",
        stop_proposal_views.stop_proposals_setting,
        name="stop-proposals-setting",
    ),
    path("spend/corrections/", correction_views.fees_and_corrections, name="corrections"),
    path("settings/gateway/", gateway_check_views.gateway_checks, name="gateway-check-list"),
    path(
        "settings/gateway/<int:pk>/",
        gateway_check_views.gateway_check,
        name="gateway-check-detail",
    ),
    path(
        "settings/gateway/<int:pk>/steps",
        gateway_check_views.gateway_check_steps,
        name="gateway-check-steps",
    ),
    path(
        "settings/gateway/<int:pk>/samples",
        gateway_check_views.gateway_check_samples,
        name="gateway-check-samples",
    ),
    path("settings/retention/", retention_views.retention, name="retention"),
    path(
        "settings/statistics-files",
        statistics_files_views.statistics_files,
        name="statistics-files",
    ),
]
