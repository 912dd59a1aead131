from django.urls import path

from campaigns.results import clearing_views, correction_views

urlpatterns = [
    path("campaigns/<int:pk>/clear", clearing_views.rehearsal_clear, name="rehearsal-clear"),
    path("spend/corrections/", correction_views.by_hand, name="corrections"),
]
