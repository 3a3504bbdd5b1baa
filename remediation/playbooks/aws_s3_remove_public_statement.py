"""A bucket policy that lets nobody write but whom it names; its text comes back as it was, letter by letter."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from clouds.call_failed import CallFailed
from model.asset import Asset
from model.call import Call, WriteCloud
from model.canonical import digest, encode
from model.plan import State
from model.text import Text
from remediation.aws import asked
from remediation.playbook import Body, Faults, Playbook
from semantics.aws.policy_documents import public_statements, without_everybody
from semantics.values import listed


class RemovePublicStatement(Playbook):
    """Takes everybody out of single statements of a bucket policy, or a whole one where it names nobody else."""

    id = "aws.s3.remove-public-statement"
    kind = "aws.s3.bucket"
    closes = ("aws.s3.policy-public-write",)
    needs = ("s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy")
    fields = ("Policy",)
    persons = 2
    title = Text(
        en="Remove statements from the bucket policy that let everybody write",
        ja="バケットポリシーから、全員に書き込みを許可するステートメントを削除する",
    )
    risk = Text(
        en="Whoever writes to the bucket by these statements alone loses access at once.",
        ja="このステートメントのみを根拠に書き込んでいる利用者・システムは、ただちに書き込めなくなる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the policy; its text is carried along as it is."""
        try:
            text = asked(cloud, Call("s3", "get_bucket_policy", {"Bucket": asset.name}, asset.region))["Policy"]
            return {"Policy": json.loads(text), "_text": text}
        except CallFailed as failure:
            if failure.code == "NoSuchBucketPolicy":
                return {}
            raise
        except ValueError:
            raise CallFailed("malformed JSON") from None

    def state(self, body: Mapping[str, Any]) -> State:
        """Each statement under its Sid or its content, so that neighbours are none of our business."""
        if "Policy" not in body:
            return {}
        document: Mapping[str, Any] = body["Policy"]
        keyed = _keyed(document)
        rest = {name: value for name, value in document.items() if name != "Statement"}
        text = {"_text": body["_text"]} if "_text" in body else {}
        return {"statements": {key: encode(one).decode() for key, one in keyed.items()}, "rest": rest} | text

    def want(self, before: State, faults: Faults) -> State:
        """The public statements of the failing elements without everybody; those that name nobody else are out."""
        if not before:
            return before
        failing = set(faults.get(self.closes[0], ()))
        kept: dict[str, str] = {}
        for key, text in before["statements"].items():
            if not _is_failing(text, before, failing):
                kept[key] = text
            elif (narrowed := without_everybody(json.loads(text))) is not None:
                kept[_key(narrowed)] = encode(narrowed).decode()
        if kept == before["statements"]:
            return before
        return {"statements": kept, "rest": before["rest"]} if kept else {}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Put the policy, its old text where that is known, or delete it where no statement is left."""
        bucket = {"Bucket": asset.name}
        if not after:
            return [Call("s3", "delete_bucket_policy", bucket, asset.region)]
        return [Call("s3", "put_bucket_policy", bucket | {"Policy": _text(before, after)}, asset.region)]


def _keyed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_key(statement): statement for statement in listed(document.get("Statement"))}


def _key(statement: Mapping[str, Any]) -> str:
    return f"{statement.get('Sid', '')} {digest(statement)[:8]}".strip()


def _is_failing(text: str, before: State, failing: set[str]) -> bool:
    """Return whether a statement is public among all the others, and one of those that the policy named."""
    alone = json.loads(text)
    others = [json.loads(one) for one in before["statements"].values()]
    denials = [one for one in others if one.get("Effect") == "Deny"]
    found = public_statements({"Statement": [alone, *denials]})
    return any(_element(one) in failing for one in found)


def _element(statement: Mapping[str, Any]) -> str:
    """Return what the policy calls a failing element (config/policies/aws/s3/policy-public-write.yaml)."""
    actions = ",".join(statement["Action"] + statement["NotAction"])
    return f"{actions} {','.join(statement['Resource'] + statement['NotResource'])}"


def _text(before: State, after: State) -> str:
    """Return the policy's text: the old one where that is known, else statements as they are spelt and ordered now."""
    if "_text" in after:
        return str(after["_text"])
    spelt = {key: json.loads(text) for key, text in after["statements"].items()}
    now = _keyed(json.loads(before["_text"])) if "_text" in before else {}
    ordered = {key: statement for key, statement in now.items() if key in spelt} | spelt
    statements = [now.get(key, statement) for key, statement in ordered.items()]
    return json.dumps(after["rest"] | {"Statement": statements}, ensure_ascii=False)


PLAYBOOK = RemovePublicStatement()
