"""Where `config/` is: beside the packages in a checkout, inside `catalog` in a wheel."""

from pathlib import Path


def config_folder() -> Path:
    """Return the folder of policies and examples that came with the program."""
    packaged = Path(__file__).parent / "_config"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "config"
