"""`citrix-oauth run`: the operator itself."""

from __future__ import annotations

import argparse
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from citrix_oauth_operator.domain.election import LONGEST_SECONDS, SHORTEST_SECONDS
from citrix_oauth_operator.kube.access import SERVICE_ACCOUNT
from citrix_oauth_operator.logs import catch_the_rest, configure_logging
from citrix_oauth_operator.runtime import importing
from citrix_oauth_operator.settings import DEFAULT_LEASE, DEFAULT_NAMESPACE, Settings

from . import flags

if TYPE_CHECKING:
    from argparse import _SubParsersAction

log = logging.getLogger(__name__)

_URL = re.compile(r"https?://[\x21-\x7e]{1,1016}")


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its flags; every flag has an environment variable CITRIX_OAUTH_<NAME>."""
    parser = verbs.add_parser("run", help="run the operator", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.set_defaults(main=main)
    add_flags(parser, os.environ)


def add_flags(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Define the flags of `run` with their defaults from the environment."""
    default = flags.defaults(environ)
    parser.add_argument(
        "--operator-namespace",
        default=default("OPERATOR_NAMESPACE", _pod_namespace()),
        help="where grants and claims are kept; created if missing and allowed",
    )
    flags.add_watched_namespaces(parser, environ)
    parser.add_argument(
        "--spill-dir",
        type=Path,
        default=default("SPILL_DIR", "") or None,
        help="memory-backed folder that keeps an answer until it is committed; it outlives a kill of the process",
    )
    parser.add_argument(
        "--lease-name",
        default=default("LEASE_NAME", DEFAULT_LEASE),
        help="Lease in the operator's namespace; of several replicas its holder sends token requests",
    )
    parser.add_argument(
        "--lease-duration-seconds",
        type=_lease_seconds,
        default=default("LEASE_DURATION_SECONDS", "15"),
        metavar="SECONDS",
        help="how long others wait for a leader that ended without a word; renew deadline and retry go with it",
    )
    parser.add_argument(
        "--drain-seconds",
        type=float,
        default=default("DRAIN_SECONDS", "100"),
        metavar="SECONDS",
        help="how long requests and commits under way may take after SIGTERM; keep it 15 below the pod's grace period",
    )
    parser.add_argument(
        "--service-account-dir",
        type=Path,
        default=default("SERVICE_ACCOUNT_DIR", str(SERVICE_ACCOUNT)),
        help="folder with the token and ca.crt of the pod; where it is not there, the kubeconfig counts",
    )
    parser.add_argument(
        "--portal-url",
        type=_portal_url,
        default=default("PORTAL_URL", ""),
        metavar="URL",
        help="of the sign-in portal, as a browser reaches it; status.login.url leads there",
    )
    parser.add_argument(
        "--http-port", type=int, default=default("HTTP_PORT", "0"), help="serves /metrics, /healthz and /readyz; 0: off"
    )
    flags.add_logging(parser, environ)


def _lease_seconds(text: str) -> int:
    seconds = int(text)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"not a number from {SHORTEST_SECONDS} to {LONGEST_SECONDS}")
    return seconds


def _portal_url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise argparse.ArgumentTypeError("not an http or https URL of at most 1024 visible characters")
    return text


def _pod_namespace() -> str:
    try:
        return (SERVICE_ACCOUNT / "namespace").read_text().strip()
    except OSError:
        return DEFAULT_NAMESPACE


def settings_of(options: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Return the settings that flags and environment say."""
    return Settings(
        operator_namespace=options.operator_namespace,
        watch_namespaces=flags.watched_namespaces(options),
        pod_uid=environ.get("CITRIX_OAUTH_POD_UID") or None,
        lease_name=options.lease_name,
        lease_seconds=options.lease_duration_seconds,
        spill_dir=options.spill_dir,
        drain_seconds=options.drain_seconds,
        service_account_dir=options.service_account_dir,
        portal_url=options.portal_url,
        http_port=options.http_port,
        log_format=options.log_format,
        log_level=options.log_level,
    )


def main(options: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    with importing():
        from citrix_oauth_operator.app import run  # noqa: PLC0415 - the other verbs start fast without it

    settings = settings_of(options, os.environ)
    configure_logging(settings.log_format, settings.log_level)
    catch_the_rest()
    run(settings)
    return 0
