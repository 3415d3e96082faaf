"""`python -m citrix_oauth_operator` is `citrix-oauth`."""

import sys

from citrix_oauth_operator.cli import main

sys.exit(main())
