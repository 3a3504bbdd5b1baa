"""`hinomi permissions`: what a customer's read role has to allow."""

from typing import Annotated, Literal

import typer

app = typer.Typer()
permissions_app = typer.Typer(help="What a customer's read role has to allow.", no_args_is_help=True)
app.add_typer(permissions_app, name="permissions")


@permissions_app.callback()
def _group() -> None:
    """Keep `aws` a command of its own."""


@permissions_app.command("aws")
def aws(
    format: Annotated[
        Literal["json", "cloudformation", "terraform"],
        typer.Option(help="an IAM policy, a CloudFormation template, or Terraform in JSON (save it as NAME.tf.json)"),
    ] = "json",
) -> None:
    """Print the read-only policy, made from the resource types."""
    import json

    from collectors.aws import permissions, resource_types

    render = {
        "json": permissions.policy_document,
        "cloudformation": permissions.cloudformation,
        "terraform": permissions.terraform,
    }[format]
    print(json.dumps(render(resource_types.load()), indent=2))
