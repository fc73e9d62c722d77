"""The passphrase that stacks' secrets are encrypted with: never an empty one."""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "PULUMI_CONFIG_PASSPHRASE"
FILE_VARIABLE = f"{VARIABLE}_FILE"


class EmptyPassphraseError(Exception):
    """Secrets would be encrypted with nothing; the text says where, and what to do."""


def require_passphrase(environment: Mapping[str, str]) -> None:
    """Raise EmptyPassphraseError where the engine would take an empty passphrase, which it does without a word.

    The variable counts before the file, and blanks around a file's text don't count. None at all, or a file that can't
    be read, is the engine's to complain of: another secrets provider needs none.
    https://www.pulumi.com/docs/iac/cli/environment-variables/
    """
    if VARIABLE in environment:
        if not environment[VARIABLE]:
            raise EmptyPassphraseError(
                f"{VARIABLE} is set, and empty: secrets would be encrypted with nothing. Give the stack's passphrase, "
                f"or unset it where the stack has another secrets provider (docs/state.md)"
            )
        return
    path = environment.get(FILE_VARIABLE)
    if path and _is_blank(Path(path)):
        raise EmptyPassphraseError(
            f"{path} is empty: secrets would be encrypted with nothing. Restore the passphrase from where it is "
            f"kept; with another one its secrets can't be read (docs/state.md)"
        )


def _is_blank(file: Path) -> bool:
    try:
        return not file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return False
