"""The addresses of the pages."""

from django.urls import path

from chat import health, views

urlpatterns = [
    path("", views.page, name="page"),
    path("conversations/<uuid:id>/", views.conversation, name="conversation"),
    path("minimal/", views.minimal, name="minimal"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
