"""A bucket of S3 that notifies a queue of SQS, in the emulator, and the home of a tenant whose file names both."""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from catalog.folder import config_folder
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from model.canonical import instant
from model.log_volume import Volume
from model.tenant import AwsLogs, AwsScope, Contract, Tenant
from model.text import Text
from pipeline.installation import make, open_home
from pipeline.intake.volume import volumes
from tests.contracts import applied
from tests.intake_service import process_all

REGION, BUCKET, NAME, SOURCE = "ap-northeast-1", "aozora-logs", "aozora", "aws.cloudtrail"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/aozora-logs"
FOLDER = "AWSLogs/123456789012/CloudTrail/ap-northeast-1/2026/06/01"


class Bucket:
    """A bucket that notifies a queue, and a tenant whose file names both."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.s3, self.sqs = emulator.client("s3", REGION), emulator.client("sqs", REGION)
        self.url = self.sqs.create_queue(QueueName="aozora-logs")["QueueUrl"]
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:aozora-logs"
        wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration=wanted, SkipDestinationValidation=True
        )
        make(folder, config_folder() / "example" / "installation.yaml")
        self.folder, self.home = folder, open_home(folder)
        logs = [AwsLogs(SOURCE, ACCOUNT, QUEUE, [BUCKET])]
        tenant = Tenant(
            NAME, Text(NAME, NAME), contract=Contract(date(2026, 1, 1)), scopes=[AwsScope(ACCOUNT)], logs=logs
        )
        applied(self.home, tenant, instant(datetime.now(UTC) - timedelta(days=1)))

    def put(self, name: str, events: list[str]) -> None:
        records = [json.loads(one) for one in events]
        body = gzip.compress(json.dumps({"Records": records}).encode(), mtime=0)
        self.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}.json.gz", Body=body)

    def say(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        """Return how many messages are there, hidden ones, too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def processed(self) -> Volume:
        process_all(self.folder, self.home, lambda: self.left() == 0)
        (found,) = volumes(self.home.tenant(NAME))
        return found

    def show_again(self, receipts: Iterable[str]) -> None:
        """Let messages come again now that were received, as they do once they are hidden no more."""
        for receipt in receipts:
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)
