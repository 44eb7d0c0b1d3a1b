"""The pages of an account: sign-in, a new password, API keys."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import user_passes_test
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, PasswordChangeView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from chat.accounts.api_keys import may_have_keys
from chat.accounts.guests import for_visitors
from chat.accounts.sign_in import limited, limited_by_user
from chat.key_models import NAME_CHARS
from chat.pages.guest_work import asking
from chat.pages.key_api import listed


class SignInForm(AuthenticationForm):
    """Username and password."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "No account has this username and password. Check both, then try again.",
        "inactive": "This account is deactivated.",
    }


# outside of the limit: taking the guest's work needs no turn
sign_in = asking(limited(LoginView.as_view(authentication_form=SignInForm)))


has_password = user_passes_test(lambda user: user.is_authenticated and user.has_usable_password())


@method_decorator([has_password, limited_by_user], "dispatch")
class Password(PasswordChangeView):
    """Change one's own password: other sessions end, their sockets at once."""

    template_name = "account/password.html"
    success_url = reverse_lazy("password_changed")


class PasswordChanged(Password):
    """The same page, after the change."""

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Add `changed`."""
        return super().get_context_data(**context) | {"changed": True}


@require_safe
@never_cache
@ensure_csrf_cookie
@for_visitors
def api_keys(request: HttpRequest) -> HttpResponse:
    """One's own API keys; `key_api` makes and revokes them."""
    return _keys_page(request) if may_have_keys(request.user) else redirect_to_login(request.get_full_path())


def _keys_page(request: HttpRequest) -> HttpResponse:
    page = {"keys": listed(request.user.pk), "path": reverse("key_list"), "api_path": f"{reverse('page')}v1"}
    context = {"page": page, "csrf_cookie": settings.CSRF_COOKIE_NAME, "name_chars": NAME_CHARS}
    return render(request, "account/keys.html", context)
