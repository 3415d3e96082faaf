"""What must never be loaded: clients that retry, follow and parse on their own."""

import subprocess
import sys

PROBE = """
import sys, pkgutil, importlib
import citrix_oauth_operator.wire, citrix_oauth_operator.servers, citrix_oauth_operator.grants
for package in (citrix_oauth_operator.wire, citrix_oauth_operator.servers, citrix_oauth_operator.grants):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(*sys.modules)
"""


def test_neither_httpx2_nor_authlibs_http_client_is_loaded() -> None:
    """Authlib picks its HTTP library at import; its token parsing loses rotated refresh tokens."""
    loaded = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout.split()
    assert "citrix_oauth_operator.wire.transport" in loaded
    assert "authlib.oauth2.auth" in loaded
    assert not {
        name for name in loaded if name.startswith(("httpx2", "authlib.integrations", "authlib.jose", "requests"))
    }
