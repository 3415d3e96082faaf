"""`python -m citrix_oauth_operator` is `citrix-oauth`, also installed as `kubectl-citrix_oauth`."""

import sys

from citrix_oauth_operator.runtime import importing


def main() -> int:
    """Run one verb and return its exit status."""
    with importing():
        from citrix_oauth_operator import cli  # noqa: PLC0415 - a tenth of the start is the collector's otherwise
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
