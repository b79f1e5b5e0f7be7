"""Files that a command is given on its line."""

import sys
from pathlib import Path

import click


def read_file(file: Path) -> bytes:
    """The file's bytes, those of standard input where it is "-"; a usage error where it cannot be read."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
