"""The emulator's process: moto's server, and before it what moto lacks and a look at an account asks for.

Each reply is that of the operation's page in AWS's reference, for an account in order.
`python -m demo.stand_ins.aws_emulator_server PORT`.
"""

import io
import json
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from moto.awslambda.models import lambda_backends
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple
from werkzeug.wrappers import Request, Response

# The key, region and service that a request is signed for (Signature Version 4, «credential scope»).
_SIGNED_FOR = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_FUNCTION = re.compile(r"/2015-03-31/functions/([\w-]+)")
# Where functions' packages lie here; moto names an address in Amazon S3, or none.
_PACKAGE = re.compile(r"/function-packages/(\d{12})/([\w-]+)/([\w-]+)")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _SignedFor(NamedTuple):
    """What a request's signature names."""

    key: str = ""
    region: str = ""
    service: str = ""


def beside(moto: Wsgi) -> Wsgi:
    """Return an application that answers what moto lacks, and passes on all else."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = _answer(environ) or _function(environ, moto)
        return answer(environ, start_response) if answer else moto(environ, start_response)

    return application


def _answer(environ: dict[str, Any]) -> Response | None:
    request = Request(environ)
    key, region, service = _signed_for(request)
    if service == "access-analyzer" and (request.method, request.path) == ("GET", "/analyzer"):
        return _json({"analyzers": [_analyzer(region, get_account_id_from(key))]})
    if request.headers.get("x-amz-target") == "AmazonSSM.ListResourceComplianceSummaries":
        return _json({"ResourceComplianceSummaryItems": [_compliant("Association"), _compliant("Patch")]})
    if service == "iam" and b"Action=ListOrganizationsFeatures" in _body(environ):
        return Response(_NO_ORGANIZATION, 400, content_type="text/xml")
    if found := _PACKAGE.fullmatch(request.path):
        return _package(request, *found.groups())
    return None


def _function(environ: dict[str, Any], moto: Wsgi) -> Response | None:
    """Return moto's reply to GetFunction with the address of a package that can be fetched."""
    request = Request(environ)
    found, signed = _FUNCTION.fullmatch(request.path), _signed_for(request)
    if request.method != "GET" or not found:
        return None
    reply = Response.from_app(moto, environ)
    said = json.loads(reply.get_data()) if reply.status_code == HTTPStatus.OK else {}  # moto calls it no JSON
    if said.get("Configuration", {}).get("PackageType") == "Zip":
        path = f"function-packages/{get_account_id_from(signed.key)}/{signed.region}/{found[1]}"
        reply = _json(said | {"Code": {"RepositoryType": "S3", "Location": f"{request.host_url}{path}"}})
    return reply


def _package(request: Request, account: str, region: str, name: str) -> Response:
    """Return a function's package, or the piece of it that is asked for, as Amazon S3 does."""
    code: bytes = lambda_backends[account][region].get_function(name).code_bytes
    whole = Response(code, content_type="application/zip")
    whole.make_conditional(request, accept_ranges=True, complete_length=len(code))
    return whole


def _signed_for(request: Request) -> _SignedFor:
    found = _SIGNED_FOR.search(request.headers.get("authorization", ""))
    return _SignedFor(*found.groups()) if found else _SignedFor()


def _body(environ: dict[str, Any]) -> bytes:
    """Return a request's body, and leave it there to be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _json(said: Mapping[str, Any]) -> Response:
    return Response(json.dumps(said), content_type="application/json")


def _analyzer(region: str, account: str) -> dict[str, str]:
    arn = f"arn:aws:access-analyzer:{region}:{account}:analyzer/all"
    return {"arn": arn, "name": "all", "type": "ACCOUNT", "status": "ACTIVE", "createdAt": "2026-01-01T00:00:00Z"}


def _compliant(type_: str) -> dict[str, str]:
    node = {"ResourceType": "ManagedInstance", "ResourceId": "mi-0123456789abcdef0"}
    return node | {"ComplianceType": type_, "Status": "COMPLIANT", "OverallSeverity": "UNSPECIFIED"}


_NO_ORGANIZATION = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>OrganizationNotFound</Code><Message/></Error></ErrorResponse>"
)


def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    application = beside(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
