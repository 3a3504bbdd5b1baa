"""Access keys that are too old or unused: made inactive, never deleted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from clouds.call_failed import CallFailed
from model.asset import Asset
from model.call import Call, WriteCloud
from model.canonical import parse_instant
from model.plan import State
from model.text import Text
from remediation.aws import asked, region_of
from remediation.playbook import Body, Faults, Playbook

_SLOTS = ("1", "2")
_LATELY = timedelta(hours=24)


class DeactivateAccessKey(Playbook):
    """Switches single keys of a user off; they can be switched on again as long as nobody deletes them.

    The credential report numbers a user's keys without naming them; a key is found by the second of its creation.
    """

    id = "aws.iam.deactivate-access-key"
    kind = "aws.iam.credential-report"
    closes = ("aws.iam.access-key-not-rotated", "aws.iam.access-key-unused")
    needs = ("iam:ListAccessKeys", "iam:UpdateAccessKey")
    fields = ("access_key_1_active", "access_key_2_active")
    parts = tuple(f"access_key_{slot}_last_rotated" for slot in _SLOTS)
    title = Text(en="Deactivate access keys", ja="アクセスキーを無効化する")
    risk = Text(
        en="Programs that sign with the key stop working until they get another one, or the key is active again.",
        ja="このキーを使用しているプログラムは、別のキーに切り替えるかキーを再度有効にするまで動作しなくなる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """List the user's keys, and find each in its slot of the report.

        Raises `CallFailed` where two keys are of the same second, too.
        """
        returned = asked(cloud, Call("iam", "list_access_keys", {"UserName": asset.name}, region_of(asset)))
        keys = {_second(key["CreateDate"]): key for key in returned["AccessKeyMetadata"]}
        if len(keys) < len(returned["AccessKeyMetadata"]):
            raise CallFailed("two keys of the same second cannot be distinguished")
        body: Body = {"_keys": {}}
        for slot in _SLOTS:
            key = keys.get(_second(asset.body.get(f"access_key_{slot}_last_rotated", "")))
            body[f"access_key_{slot}_active"] = str(key is not None and key["Status"] == "Active").lower()
            if key is not None:
                body["_keys"][slot] = key["AccessKeyId"]
        return body

    def state(self, body: Mapping[str, Any]) -> State:
        """Which slots are active, with the keys in them."""
        return {name: body[name] for name in (*self.fields, "_keys") if name in body}

    def want(self, before: State, faults: Faults) -> State:
        """The failing slots inactive."""
        failing = {slot for slots in faults.values() for slot in slots}
        return before | {f"access_key_{slot}_active": "false" for slot in failing}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Update the status of each key that differs; before they are read, keys are named by their slots."""
        calls, keys = [], before.get("_keys") or after.get("_keys") or {}
        for slot in _SLOTS:
            name = f"access_key_{slot}_active"
            if before.get(name) != after.get(name):
                status = "Active" if after.get(name) == "true" else "Inactive"
                update = {"UserName": asset.name, "AccessKeyId": keys.get(slot, f"slot {slot}"), "Status": status}
                calls.append(Call("iam", "update_access_key", update, region_of(asset)))
        return calls

    def cautions(self, asset: Asset, at: str) -> list[Text]:
        """Two persons where a key was used within a day."""
        used = (_moment(asset.body.get(f"access_key_{slot}_last_used_date", "")) for slot in _SLOTS)
        return [_IN_USE] if any(one is not None and parse_instant(at) - one < _LATELY for one in used) else []

    def left_alone(self, asset: Asset) -> Text | None:
        """Return that nobody but the root user changes the root user's keys."""
        return _ROOT if asset.resource.endswith(":root") else None


_IN_USE = Text(en="a key was used within the last 24 hours", ja="過去24時間以内に使用されたキーがある")
_ROOT = Text(
    en="the root user's keys are only in the root user's hands", ja="ルートユーザーのキーはルートユーザーのみ操作可能"
)


def _moment(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:  # N/A
        return None


def _second(text: str) -> str:
    moment = _moment(text)
    return moment.replace(microsecond=0).isoformat() if moment else ""


PLAYBOOK = DeactivateAccessKey()
