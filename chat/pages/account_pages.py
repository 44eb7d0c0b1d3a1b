"""The pages of an account: sign-in, and a new password."""

from typing import Any

from django.contrib.auth.decorators import user_passes_test
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator

from chat.accounts.sign_in import limited, limited_by_user
from chat.pages.guest_work import asking


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
