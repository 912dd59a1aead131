from django.urls import path

from campaigns.results.pages import clear_rehearsal_views, correction_views

urlpatterns = [
    path("campaigns/<int:pk>/clear", clear_rehearsal_views.rehearsal_clear, name="rehearsal-clear"),
    path("spend/corrections/", correction_views.fees_and_corrections, name="corrections"),
]
