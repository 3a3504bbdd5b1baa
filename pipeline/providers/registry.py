"""The clouds that the program looks at: an addition is a folder beside this file, and its line in the tuple here."""

from pipeline.providers.aws import provider as aws
from pipeline.providers.azure import provider as azure
from pipeline.providers.gcp import provider as gcp
from pipeline.providers.kubernetes import provider as kubernetes
from pipeline.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (
    aws.PROVIDER,
    azure.PROVIDER,
    gcp.PROVIDER,
    kubernetes.PROVIDER,
)
