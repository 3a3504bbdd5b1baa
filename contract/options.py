"""Does a contract have an option of the menu?"""

from contract.term import Decision
from model.tenant import Contract, Option
from model.text import Text

_NAMES: dict[Option, Text] = {
    "function-code": Text(en="looking for secrets in functions' code", ja="関数コードの秘密情報検査"),
    "own-policies": Text(en="the customer's own policies", ja="お客様独自ポリシー"),
    "standing-orders": Text(en="standing orders for changes", ja="変更の包括承認"),
}


def decide_option(contract: Contract, option: Option) -> Decision:
    """Return whether a contract has an option; without it, only the basic menu is provided (Article 2, definitions)."""
    name = _NAMES[option]
    if option in contract.options:
        return Decision(True, Text(en=f"{name.en}: in the contract", ja=f"{name.ja}：契約に含まれます"), "2")
    return Decision(
        False,
        Text(
            en=f"{name.en}: an option that the contract does not have (`hinomi contract record`: item {option})",
            ja=f"{name.ja}：契約に含まれないオプションメニューです（`hinomi contract record`：item {option}）",
        ),
        "2",
    )
