"""Which user a name and a password belong to."""

from allauth.account.auth_backends import AuthenticationBackend

from campaigns.team.models import User


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """As allauth's, which ignores case in user names and so refuses two that differ only in it.
    Here a name that is typed exactly always wins.
    """

    def _authenticate_by_username(self, username: str, password: str) -> User | None:
        exact = User.objects.filter(username=username).first()
        user: User | None = (
            self._check_password(exact, password)
            if exact
            else super()._authenticate_by_username(username, password)
        )
        return user
