"""The site's URLs."""

from django.contrib import admin
from django.urls import include, path

from chat.accounts.sign_in import limited
from chat.pages import account_pages, guest_work
from chat.pages.views import SignOut

admin.site.login = guest_work.asking(limited(admin.site.login))  # type: ignore[method-assign,assignment]  # Django means it to be replaced

handler404 = "chat.pages.views.not_found"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", account_pages.sign_in, name="login"),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("accounts/visitor/", guest_work.guest_work, name="guest_work"),
    path("accounts/password/", account_pages.Password.as_view(), name="password"),
    path("accounts/password/changed/", account_pages.PasswordChanged.as_view(), name="password_changed"),
    path("accounts/keys/", account_pages.api_keys, name="api_keys"),
    path("", include("chat.urls")),
]
