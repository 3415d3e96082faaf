"""The portal in the chart: off until asked for, alone, and with the rights it needs and no Secret to read."""

from __future__ import annotations

import argparse

import pytest

from citrix_oauth_operator.cli.portal import add_flags
from tests.chart.helm import NAMESPACE, PORTAL, RELEASE, Helm, HelmRefused, Manifest, Values, named, of_kind
from tests.chart.rights import Right, granted

ON: Values = {"portal": {"enabled": True, "url": "https://sign-in.example.com/citrix/"}}
LISTED: Values = {**ON, "watchNamespaces": ["team-a", "team-b"]}


@pytest.fixture(scope="module", params=[ON, LISTED], ids=["all namespaces", "listed namespaces"])
def manifests(helm: Helm, request: pytest.FixtureRequest) -> list[Manifest]:
    """The chart with a portal."""
    return helm.render(request.param)


def _words(manifests: list[Manifest], name: str) -> list[str]:
    (container,) = named(manifests, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return list(container["args"])


def test_without_being_asked_there_is_none(helm: Helm) -> None:
    """Nor does the operator tell people of one."""
    manifests = helm.render()
    assert not [one for one in manifests if "portal" in one["metadata"]["name"]]
    assert not [word for word in _words(manifests, RELEASE) if "portal" in word]


def test_its_arguments_are_those_of_the_command(manifests: list[Manifest]) -> None:
    """Parsed by the product itself; the operator tells people the same address."""
    verb, *words = _words(manifests, PORTAL)
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, {})
    options = parser.parse_args(words)
    assert (verb, options.portal_url) == ("portal", "https://sign-in.example.com/citrix")
    assert f"--portal-url={options.portal_url}" in _words(manifests, RELEASE)
    (container,) = named(manifests, "Deployment", PORTAL)["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": options.http_port}]
    (service,) = of_kind(manifests, "Service")
    assert service["spec"]["ports"][0]["targetPort"] == "http"


def test_it_reads_no_secret_and_writes_no_status(manifests: list[Manifest]) -> None:
    """What it may do with Secrets: create them."""
    rights = granted(manifests, PORTAL)
    assert {right.verb for right in rights if right.resource == "secrets"} == {"create"}
    assert {right.resource for right in rights} == {
        "tokenreviews",
        "subjectaccessreviews",
        "authorizationservers",
        "citrixclients",
        "secrets",
    }


def test_with_a_list_of_namespaces_it_has_rights_nowhere_else(helm: Helm) -> None:
    """Reviews and servers belong to no namespace."""
    rights = granted(helm.render(LISTED), PORTAL)
    assert {right.namespace for right in rights if right.resource in {"secrets", "citrixclients"}} == {
        "team-a",
        "team-b",
    }
    assert Right("", "", "secrets", "create") in granted(helm.render(ON), PORTAL)


def test_the_operators_rights_are_not_changed_by_it(helm: Helm) -> None:
    """Two ServiceAccounts that share nothing."""
    assert granted(helm.render(ON), RELEASE) == granted(helm.render(), RELEASE)


def test_there_is_one_and_never_two_at_a_time(manifests: list[Manifest]) -> None:
    """Open sign-ins are in its memory."""
    spec = named(manifests, "Deployment", PORTAL)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_who_may_connect_to_it_is_a_list(helm: Helm) -> None:
    """Of it alone: what scrapes the operator's metrics is no proxy."""
    peers = [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy"}}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "sign-in"}}, "podSelector": {}},
        {"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}},
    ]
    manifests = helm.render({"portal": {**ON["portal"], "ingressFrom": peers}})
    ports = [{"port": "http", "protocol": "TCP"}]
    assert named(manifests, "NetworkPolicy", PORTAL)["spec"]["ingress"] == [{"ports": ports, "from": peers}]
    assert named(manifests, "NetworkPolicy", RELEASE)["spec"]["ingress"] == [{"ports": ports}]
    assert named(helm.render(ON), "NetworkPolicy", PORTAL)["spec"]["ingress"] == [{"ports": ports}]


@pytest.mark.parametrize(
    ("peers", "policy", "refusal"),
    [
        ([{}], True, "ingressFrom"),
        ([{"matchLabels": {"app": "oauth2-proxy"}}], True, "ingressFrom"),
        ([{"podSelector": {}}], False, "networkPolicy.enabled=false leaves out"),
    ],
    ids=["nobody in particular", "labels without a selector", "without the policy that says it"],
)
def test_a_list_that_would_let_others_in_is_refused(
    helm: Helm, peers: list[object], policy: bool, refusal: str
) -> None:
    """Rather than installed."""
    values = {"portal": {**ON["portal"], "ingressFrom": peers}, "networkPolicy": {"enabled": policy}}
    with pytest.raises(HelmRefused, match=refusal):
        helm.render(values)


def test_its_policies_come_with_the_admission_policy(helm: Helm) -> None:
    """One for what it creates, one for what it changes."""
    manifests = helm.render({**ON, "admissionPolicy": {"enabled": True}})
    found = {one["metadata"]["name"]: one for one in of_kind(manifests, "ValidatingAdmissionPolicy")}
    user = f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{PORTAL}'"
    theirs = [one for name, one in found.items() if name.startswith(PORTAL)]
    assert [one["spec"]["matchConditions"][0]["expression"] for one in theirs] == [user, user]
    bound = {one["spec"]["policyName"] for one in of_kind(manifests, "ValidatingAdmissionPolicyBinding")}
    assert bound == set(found)
