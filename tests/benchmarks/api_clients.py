"""CPU a call of the clients that could carry the hot path (docs/adr/0002): `python -m tests.benchmarks.api_clients`.

Each client reads and replaces one Secret of the same control plane, one call at a time, over kept-alive TLS.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import kubernetes
import kubernetes.aio.client
import kubernetes.aio.config

from citrix_oauth_operator.kube.access import find_cluster
from citrix_oauth_operator.kube.api import Api
from tests.control_plane import ControlPlane

CALLS = 400
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}, "stringData": {"token": "x" * 1200}}
PATH = "/api/v1/namespaces/default/secrets"

Pair = tuple[Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[Any]]]


async def cpu_ms(pair: Pair) -> float:
    """Return CPU milliseconds a call of this process, half reads and half writes."""
    get, put = pair
    for _ in range(20):
        await put(await get())
    before = time.process_time()
    for _ in range(CALLS // 2):
        await put(await get())
    return (time.process_time() - before) / CALLS * 1000


async def ours() -> float:
    """The operator's own edge: aiohttp and JSON."""
    async with Api(find_cluster()) as api:
        await api.create(PATH, SECRET)

        async def get() -> Any:  # noqa: ANN401 - whatever the client returns
            return await api.get(f"{PATH}/probe")

        async def put(body: Any) -> None:  # noqa: ANN401 - as above
            await api.replace(f"{PATH}/probe", body)

        return await cpu_ms((get, put))


async def official_in_threads() -> float:
    """The official synchronous client, each call in a thread."""
    kubernetes.config.load_kube_config()
    core = kubernetes.client.CoreV1Api()

    async def get() -> Any:  # noqa: ANN401 - as above
        return await asyncio.to_thread(core.read_namespaced_secret, "probe", "default")

    async def put(body: Any) -> None:  # noqa: ANN401 - as above
        await asyncio.to_thread(core.replace_namespaced_secret, "probe", "default", body)

    return await cpu_ms((get, put))


async def official_asynchronous() -> float:
    """The official asynchronous client."""
    await kubernetes.aio.config.load_kube_config(config_file=os.environ["KUBECONFIG"])
    async with kubernetes.aio.client.ApiClient() as connection:
        core = kubernetes.aio.client.CoreV1Api(connection)

        async def get() -> Any:  # noqa: ANN401 - as above
            return await core.read_namespaced_secret("probe", "default")

        async def put(body: Any) -> None:  # noqa: ANN401 - as above
            await core.replace_namespaced_secret("probe", "default", body)

        return await cpu_ms((get, put))


def main() -> None:
    """Measure all in one run and print ratios."""
    with ControlPlane() as plane:
        os.environ["KUBECONFIG"] = str(plane.kubeconfig)
        contestants = {
            "own edge over aiohttp": ours,
            "kubernetes, synchronous, in threads": official_in_threads,
            "kubernetes.aio": official_asynchronous,
        }
        figures = {name: asyncio.run(measure()) for name, measure in contestants.items()}
    base = figures["own edge over aiohttp"]
    for name, figure in figures.items():
        print(f"{name:40} {figure:6.2f} ms a call  {figure / base:4.1f} x")


if __name__ == "__main__":
    main()
