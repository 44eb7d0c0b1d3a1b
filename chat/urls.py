"""The addresses of the pages."""

from django.urls import path

from chat import endpoints, health, views

urlpatterns = [
    path("", views.page, name="page"),
    path("conversations/", endpoints.conversations, name="conversations"),
    path("conversations/<uuid:id>/", views.conversation, name="conversation"),
    path("conversations/<uuid:id>/responses/", endpoints.responses, name="responses"),
    path("minimal/", views.minimal, name="minimal"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
