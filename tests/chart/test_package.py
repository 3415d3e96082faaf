"""The chart as a release packs it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.chart.helm import CHART, RELEASE, Helm, of_kind

DIGEST = f"sha256:{'a1' * 32}"


def test_the_packed_chart_installs_the_image_of_its_release_without_a_value(helm: Helm, tmp_path: Path) -> None:
    """By its digest: a tag can be moved. The CRDs, a link in the source, are in it."""
    words: list[str | Path] = [CHART.parents[1] / "tools/package-chart", "registry.example/o", DIGEST, tmp_path]
    subprocess.run(words, cwd=CHART.parents[1], env={**os.environ, "HELM": str(helm.program)}, check=True)
    (packed,) = tmp_path.glob("*.tgz")
    manifests = replace(helm, chart=packed).render({"image": {}})
    (deployment,) = of_kind(manifests, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example/o@{DIGEST}"
    assert deployment["metadata"]["name"] == RELEASE
    assert len(of_kind(manifests, "CustomResourceDefinition")) == 2
