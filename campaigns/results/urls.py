from django.urls import path

from campaigns.results import correction_views

urlpatterns = [
    path("spend/corrections/", correction_views.by_hand, name="corrections"),
]
