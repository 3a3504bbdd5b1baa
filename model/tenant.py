"""A customer company, what it is owed, and where its resources are."""

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from model.contract_record import ItemName
from model.finding import Severity
from model.text import Language, Text

TenantId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$(?!\n)", max_length=40)]
AwsAccount = Annotated[str, Meta(pattern=r"^[0-9]{12}$(?!\n)")]
RegionName = Annotated[str, Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]+$(?!\n)")]
RoleName = Annotated[str, Meta(pattern=r"^[\w+=,.@/-]+$(?!\n)", max_length=64)]
RoleArn = Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$(?!\n)")]
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
QueueUrl = Annotated[
    str,
    Meta(
        pattern=r"^https://sqs\.[a-z]{2}(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?/[0-9]{12}/"
        r"([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)$(?!\n)"
    ),
]
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, general purpose buckets
BucketName = Annotated[
    str,
    Meta(
        pattern=r"^(?!xn--|sthree-|amzn-s3-demo-)(?![0-9]+(\.[0-9]+){3}$)(?!.*\.\.)"
        r"(?!.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$(?!\n)"
    ),
]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$(?!\n)")]
ManagementGroup = Annotated[str, Meta(pattern=r"^[\w().-]{1,90}$(?!\n)")]
Location = Annotated[str, Meta(pattern=r"^[a-z0-9]+$(?!\n)", max_length=40)]
ProjectId = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$(?!\n)")]
GcpNumber = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$(?!\n)")]
ServiceAccount = Annotated[str, Meta(pattern=r"^[\w.-]+@[\w.-]+\.gserviceaccount\.com$(?!\n)")]
# Marks texts that lead to something of this machine, and says how the reference begins that they mean. Whatever is so
# marked is checked when the file is applied, and leads only to what is the tenant's (pipeline/secrets.py).
REFERENCE = "reference"
FileReference = Annotated[str, Meta(pattern=r"^file:.+$(?!\n)", extra={REFERENCE: ""})]
Reference = Annotated[str, Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$(?!\n)", extra={REFERENCE: ""})]
Profile = Annotated[str, Meta(max_length=200, extra={REFERENCE: "profile:"})]
# Without a kubeconfig beside it, one of the installation's own contexts.
Context = Annotated[str, Meta(max_length=253, extra={REFERENCE: "context:", "unless": "kubeconfig"})]
# Marks texts that lead outside, as a `url` or as a `host`: looked up and judged when the file is applied, and wherever
# they are used (outgoing/border.py).
ADDRESS = "address"
Url = Annotated[str, Meta(pattern=r"^https?://[^\s@]+$(?!\n)", max_length=2000, extra={ADDRESS: "url"})]
ChannelName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$(?!\n)", max_length=40)]


class Suspension(Struct, frozen=True, forbid_unknown_fields=True):
    """Days, both counted, on which the service is suspended (Article 11): somebody has judged so, for a reason.

    Without a last day it lasts until the tenant's file says otherwise.
    """

    first_day: date
    reason: Annotated[str, Meta(min_length=1, max_length=400)]
    last_day: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


class Contract(Struct, frozen=True, forbid_unknown_fields=True):
    """The days of a contract, both counted, Asia/Tokyo, and its options; without a last day it renews year by year.

    Where the contract says so (`customer_approves`), each change needs the word of one of the customer's people too.
    """

    start: date
    last_day: date | None = None
    options: list[ItemName] = []
    customer_approves: bool = False
    suspended: list[Suspension] = []


class AwsWrite(Struct, frozen=True, forbid_unknown_fields=True):
    """Who changes things in an AWS account: another role or profile than the one that reads."""

    profile: Profile = ""
    role: RoleArn | None = None
    external_id: Annotated[str, Meta(min_length=2, max_length=1224)] | None = None


class AwsScope(Struct, frozen=True, forbid_unknown_fields=True):
    """One AWS account; no regions named = all that are enabled in it."""

    aws: AwsAccount
    profile: Profile = ""
    role: RoleArn | None = None
    external_id: Annotated[str, Meta(min_length=2, max_length=1224)] | None = None
    regions: list[RegionName] = []
    write: AwsWrite | None = None

    @property
    def id(self) -> str:
        """Return the account's id."""
        return self.aws


class AwsOrganization(Struct, frozen=True, forbid_unknown_fields=True):
    """All active accounts of an AWS organisation, each entered by a role of the same name.

    `role` belongs to the management account (or a delegated administrator's) and may list the accounts. `write_role` is
    the name of the role that changes things; without one nothing is changed in them.
    """

    management: AwsAccount
    role: RoleArn
    member_role: RoleName = "hinomi-read"
    write_role: RoleName | None = None
    regions: list[RegionName] = []
    exclude: list[AwsAccount] = []


_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}  # by how the names of their regions begin


class AwsLogs(Struct, frozen=True, forbid_unknown_fields=True):
    """Monitoring logs of a source that lie in S3: the SQS queue that announces them, and where they may lie.

    `aws` is the queue's account; nothing is fetched from other buckets than these. They are entered by a profile or a
    role of their own: whoever reads configurations does not read logs.
    """

    source: Annotated[str, Meta(max_length=100)]
    aws: AwsAccount
    queue: QueueUrl
    buckets: Annotated[list[BucketName], Meta(min_length=1)]
    profile: Profile = ""
    role: RoleArn | None = None
    external_id: Annotated[str, Meta(min_length=2, max_length=1224)] | None = None

    @property
    def region(self) -> str:
        """Return the queue's region."""
        return self.queue.split(".")[1]

    @property
    def queue_arn(self) -> str:
        """Return the queue's ARN; the URL says region, account and name."""
        account, name = self.queue.split("/")[-2:]
        return f"arn:{self.partition}:sqs:{self.region}:{account}:{name}"

    @property
    def partition(self) -> str:
        """Return the partition that the queue and its buckets are in."""
        return next((name for begins, name in _PARTITIONS.items() if self.region.startswith(begins)), "aws")


class AzureWrite(Struct, frozen=True, forbid_unknown_fields=True):
    """Who changes things in Azure: another app registration, with its `secret` or the PEM file of its `certificate`."""

    client: Uuid
    secret: Reference | None = None
    certificate: FileReference | None = None


class AzureDirectory(Struct, frozen=True, forbid_unknown_fields=True):
    """An Entra ID directory, with the Azure subscriptions in it that are looked at.

    `client` is an app registration, with its `secret` or the PEM file of its `certificate`; without one, the
    installation's own identity enters (Azure Lighthouse). `entra` is for the directory itself. No locations named =
    everywhere.
    """

    directory: Uuid
    subscriptions: list[Uuid] = []
    management_groups: list[ManagementGroup] = []
    exclude: list[Uuid] = []
    entra: bool = False
    client: Uuid | None = None
    secret: Reference | None = None
    certificate: FileReference | None = None
    locations: list[Location] = []
    write: AzureWrite | None = None


class GcpWrite(Struct, frozen=True, forbid_unknown_fields=True):
    """Who changes things in Google Cloud: another service account, by its `key` file or spoken for."""

    key: FileReference | None = None
    impersonate: ServiceAccount | None = None


class GcpAccess(Struct, frozen=True, forbid_unknown_fields=True):
    """Google Cloud projects, and folders and organisations whose projects are looked at, entered the same way.

    As the service account of a `key` file, else by the installation's own credentials; `impersonate` names the service
    account that these speak for. `quota_project` is whose quota is used.
    """

    projects: list[ProjectId] = []
    folders: list[GcpNumber] = []
    organizations: list[GcpNumber] = []
    exclude: list[ProjectId] = []
    key: FileReference | None = None
    impersonate: ServiceAccount | None = None
    quota_project: ProjectId | None = None
    write: GcpWrite | None = None


class KubernetesWrite(Struct, frozen=True, forbid_unknown_fields=True):
    """Who changes things in a cluster: another kubeconfig, or another of its contexts."""

    kubeconfig: FileReference | None = None
    context: Context = ""


class KubernetesCluster(Struct, frozen=True, forbid_unknown_fields=True):
    """A Kubernetes cluster by the uid of its namespace kube-system, and how it is entered.

    `name` is what people call it. Without a `kubeconfig` it is entered as the pod that the installation runs in.
    """

    cluster: Uuid
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    kubeconfig: FileReference | None = None
    context: Context = ""
    write: KubernetesWrite | None = None


class Channel(Struct, frozen=True, forbid_unknown_fields=True):
    """A way to people; `severity` is the least that it is notified of, `settings` are its type's own."""

    name: ChannelName
    type: str
    severity: Severity = "low"
    language: Language = "ja"
    settings: dict[str, Any] = field(default_factory=dict)


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a tenant is scanned: a cron expression in Asia/Tokyo, and the most minutes that a scan begins later.

    The delay is the tenant's own for each slot, so that not all tenants begin at once.
    """

    cron: str = "0 3 * * *"
    jitter_minutes: Annotated[int, Meta(ge=0, le=720)] = 60


# What stands for it as the cause of a gap; reports say what that means.
SUDDEN_LOSS = "SuddenLoss"


class SuddenLoss(Struct, frozen=True, forbid_unknown_fields=True):
    """Which listings are not believed at once: those that showed at least so many, and now less than so many percent.

    0 percent believes every whole listing.
    """

    least: Annotated[int, Meta(ge=1)] = 5
    percent: Annotated[int, Meta(ge=0, le=100)] = 50


class Tenant(Struct, frozen=True, forbid_unknown_fields=True):
    """A tenant's file as it is written; `protected` names resources by their full ids that no change may touch.

    `contract` is what a new tenant begins with: afterwards its records say what holds (`agreed`).
    """

    tenant: TenantId
    name: Text
    contract: Contract | UnsetType = UNSET
    scopes: list[AwsScope] = []
    organizations: list[AwsOrganization] = []
    azure: list[AzureDirectory] = []
    google: list[GcpAccess] = []
    kubernetes: list[KubernetesCluster] = []
    channels: list[Channel] = []
    thresholds: dict[str, dict[str, Any]] = field(default_factory=dict)
    language: Language = "ja"
    schedule: Schedule = Schedule()
    protected: list[Annotated[str, Meta(min_length=3, max_length=1000)]] = []
    sudden_loss: SuddenLoss | UnsetType = UNSET  # a file without it is the same as before there was such a key
    logs: list[AwsLogs] | UnsetType = UNSET  # the same

    @property
    def agreed(self) -> Contract:
        """Return the contract as it is on record: of a tenant as it was applied (pipeline/tenants/applied.py)."""
        assert not isinstance(self.contract, UnsetType), "of a file, only what it begins with is known"
        return self.contract
