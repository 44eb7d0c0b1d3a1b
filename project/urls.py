"""The site's URLs."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from chat.accounts.sign_in import limited
from chat.pages.views import SignOut

admin.site.login = limited(admin.site.login)  # type: ignore[method-assign,assignment]  # Django means it to be replaced

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", limited(LoginView.as_view()), name="login"),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("", include("chat.urls")),
]
