"""What the provider of the tests says of people, and a token endpoint that gives ID tokens for device codes too."""

import json
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant
from oauthlib.openid import Server

from tests.servers.openid_provider import PEOPLE


class Claims(OAuth2Validator):  # type: ignore[misc]
    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        email, verified = PEOPLE[request.user.username]
        return {"email": email, "email_verified": verified}


class DeviceCodesWithIdTokens(DeviceCodeGrant):  # type: ignore[misc]
    def create_token_response(self, request: Any, token_handler: Any) -> tuple[dict[str, str], str, int]:
        headers, body, status = super().create_token_response(request, token_handler)
        if status == 200:
            token = self.openid.add_id_token(json.loads(body), token_handler, request)
            body = json.dumps(token)
        return headers, body, status


class WithIdTokens(Server):  # type: ignore[misc]
    def __init__(self, request_validator: Any, *args: Any, pre_token: Any = None, **kwargs: Any) -> None:
        super().__init__(request_validator, *args, pre_token=pre_token, **kwargs)
        grant = DeviceCodesWithIdTokens(request_validator, pre_token=pre_token)
        grant.openid = self.openid_connect_auth
        self._grant_types["urn:ietf:params:oauth:grant-type:device_code"] = grant
