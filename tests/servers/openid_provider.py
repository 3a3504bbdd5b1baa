"""A real OpenID provider (Django OAuth Toolkit) in a process of its own, with one client and two people.

Arguments: port, folder, and `id-token` or `userinfo`: whether the token endpoint also gives an ID token.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CLIENT, PASSWORD = "hinomi", "only for this test"
# Name, verified address; `mallory` claims an address that nobody has verified.
PEOPLE = {"sato": ("sato@soc.example", True), "mallory": ("sato@soc.example", False)}


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def settings(port: int, folder: Path, server_class: str) -> dict[str, Any]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "ROOT_URLCONF": "tests.servers.openid_provider",
        "LOGIN_URL": "/login/",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        "TEMPLATES": [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "DIRS": [str(folder)]}
        ],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "provider.sqlite")}},
        "USE_TZ": True,
        "OAUTH2_PROVIDER": {
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": pem,
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "SCOPES": {"openid": "who you are", "email": "your address", "profile": "your name"},
            "OAUTH2_VALIDATOR_CLASS": "tests.servers.openid_claims.Claims",
            "OAUTH2_SERVER_CLASS": server_class,
            "OAUTH_DEVICE_VERIFICATION_URI": f"http://127.0.0.1:{port}/o/device/",
            "DEVICE_FLOW_INTERVAL": 1,
        },
    }


def main(port: int, folder: Path, mode: str) -> None:
    import django
    from django.conf import settings as django_settings
    from django.core.management import call_command

    (folder / "registration").mkdir()
    (folder / "registration" / "login.html").write_text("<form method=post>{% csrf_token %}{{ form }}</form>")
    plain, openid = "oauthlib.openid.Server", "tests.servers.openid_claims.WithIdTokens"
    django_settings.configure(**settings(port, folder, openid if mode == "id-token" else plain))
    django.setup()
    call_command("migrate", verbosity=0)
    fill()
    from django.core.handlers.wsgi import WSGIHandler

    with make_server("127.0.0.1", port, WSGIHandler(), handler_class=Quiet) as server:
        print(json.dumps({"pid": os.getpid()}), flush=True)
        server.serve_forever()


def fill() -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name, (email, _) in PEOPLE.items():
        User.objects.create_user(name, email, PASSWORD)
    Application.objects.create(
        name="Hinomi",
        client_id=CLIENT,
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_DEVICE_CODE,
        algorithm=Application.RS256_ALGORITHM,
    )


def __getattr__(name: str) -> Any:
    """Give Django its routes, once it is set up."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.contrib.auth.views import LoginView
    from django.urls import include, path
    from oauth2_provider import urls

    return [
        path("login/", LoginView.as_view()),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        *urls.metadata_urlpatterns,
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
