"""An administrator's HTTP connection to the API server that a kubeconfig names."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
from kubernetes import client, config


def connect(kubeconfig: Path, timeout: float | httpx.Timeout = 30) -> httpx.Client:
    """Return a client whose paths are relative to the API server; `timeout` in seconds."""
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=settings)
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    token = settings.auth_settings().get("BearerToken")
    headers = {token["key"]: token["value"] or ""} if token else {}
    return httpx.Client(base_url=settings.host, headers=headers, verify=context, trust_env=False, timeout=timeout)
