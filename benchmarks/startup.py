"""Rows about how long a user waits before anything happens."""

import subprocess
import sys

from measure import Row, time_each

_HELP = "from smlm_ddpm.command_line import main; main(['--help'])"


def process(code: str):
    "A measurement of a whole Python process that runs `code` [s]."
    return time_each(lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True), 1)


def import_psf(quick: bool) -> Row:
    "The lightest module."
    return Row("`import smlm_ddpm.psf`, whole process", "s", process("import smlm_ddpm.psf"),
               {"`import torch` alone": process("import torch")})


def command_help(quick: bool) -> Row:
    "What `smlm-ddpm --help` runs."
    return Row("`smlm-ddpm --help`, whole process", "s", process(_HELP), {"an empty Python process": process("pass")})


ROWS = {"import": import_psf, "help": command_help}
