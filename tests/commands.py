"""Commands run in this process, as people and machines use them."""

import json

import pytest

from cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]
