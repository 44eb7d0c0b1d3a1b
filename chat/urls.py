"""Page URLs."""

from django.urls import path

from chat.ops import health
from chat.pages import conversation_api, guest_api, views

urlpatterns = [
    path("", views.page, name="page"),
    path("conversations/", conversation_api.conversations, name="conversations"),
    path("conversations/<uuid:id>/", views.conversation, name="conversation"),
    path("conversations/<uuid:id>/responses/", conversation_api.responses, name="responses"),
    path("guest/", guest_api.guest, name="guest"),
    path("minimal/", views.minimal, name="minimal"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
