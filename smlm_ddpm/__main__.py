"""`python -m smlm_ddpm` is `smlm-ddpm`."""

from smlm_ddpm.command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
