"""The site's URLs."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from chat.pages.views import SignOut

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("", include("chat.urls")),
]
