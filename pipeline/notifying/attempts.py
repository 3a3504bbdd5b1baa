"""One attempt to hand something to a channel."""

import msgspec

from model.fault import Refused
from model.tenant import Channel
from notifier import channels
from notifier.message import Message, Notice, Outcome, Ways, again, unreachable
from outgoing.border import Denied


def attempt(message: Message | Notice, channel: Channel, ways: Ways) -> Outcome:
    """Return what became of a message that was handed to a channel, on the ways there are; nothing is raised."""
    try:
        way = channels.way(channel.type)
        return way.send(message, msgspec.convert(channel.settings, way.settings), ways)
    except Denied as denied:  # before anything was sent: nobody learns what there is
        return unreachable(str(denied))
    except Refused as refused:  # a secret that cannot be read may be there next time
        return again(str(refused))
    except Exception as problem:  # noqa: BLE001 - one broken channel must not silence the others
        return again(type(problem).__name__)
