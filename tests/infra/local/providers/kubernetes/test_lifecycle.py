"""The kubernetes plugin under the real engine against a real API server."""

import os
import re
import signal
import subprocess

import psutil
import pytest

from infra.local.engine import EngineError
from tests.infra.local.providers.conftest import Program
from tests.infra.local.providers.control_plane import ControlPlane
from tests.waiting import eventually

CRD = """
definition = resource("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "crd", {
    "metadata": {"name": "widgets.test.example"},
    "spec": {
        "group": "test.example", "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
        }}}],
    },
})
"""


def config_map(name: str = "settings", value: str = "1") -> str:
    return f"""
resource("kubernetes:core/v1:ConfigMap", "{name}", {{
    "metadata": {{"name": "{name}"}}, "data": {{"a": "{value}", "b": "x"}},
}})
"""


def deployment(selector: str) -> str:
    return f"""
resource("kubernetes:apps/v1:Deployment", "web", {{
    "metadata": {{"name": "web", "annotations": {{"pulumi.com/skipAwait": "true"}}}},
    "spec": {{
        "replicas": 0, "selector": {{"matchLabels": {{"app": "{selector}"}}}},
        "template": {{"metadata": {{"labels": {{"app": "{selector}"}}}}, "spec": {{
            "containers": [{{"name": "web", "image": "localhost/web", "resources": {{"limits": {{"cpu": "1000m"}}}}}}],
        }}}},
    }},
}})
"""


def path(program: Program, rest: str) -> str:
    group, _, tail = rest.rpartition(":")
    return f"/{group or 'api/v1'}/namespaces/{program.namespace}/{tail}"


def test_definition_and_object_of_its_kind_come_and_go_in_one_update(program: Program, cluster: ControlPlane) -> None:
    program.up(
        CRD
        + """
widget = resource("kubernetes:test.example/v1:Widget", "widget", {
    "apiVersion": "test.example/v1", "kind": "Widget", "spec": {"size": 1},
    # the garbage collector, which ends a foreground deletion, learns of new kinds only every half minute
    "metadata": {"name": "one", "annotations": {"pulumi.com/deletionPropagationPolicy": "background"}},
}, outputs=["status"], depends_on=[definition])
secret = resource("kubernetes:core/v1:Secret", "secret", {
    "metadata": {"name": "credentials"}, "stringData": {"password": "correct-horse"},
})
nested = resource("kubernetes:core/v1:ConfigMap", "nested", {
    "metadata": {"name": "nested"}, "data": {"url": pulumi.Output.secret("battery-staple").apply(lambda v: f"db://{v}")},
})
"""
    )
    widgets = path(program, "apis/test.example/v1:widgets/one")
    assert cluster.object(widgets)["spec"] == {"size": 1}
    assert program.plan() == {}
    assert "correct-horse" not in program.state_text()
    assert "Y29ycmVjdC1ob3JzZQ" not in program.state_text()
    assert "battery-staple" not in program.state_text()
    program.engine.destroy()
    assert cluster.get(widgets) is None
    assert cluster.get(path(program, "secrets/credentials")) is None


def test_a_diff_names_the_field_and_a_refresh_what_was_done_by_hand(program: Program, cluster: ControlPlane) -> None:
    program.up(config_map() + config_map("other") + deployment("web"))
    program.write(config_map(value="2") + config_map("other") + deployment("web"))
    assert program.plan() == {"settings": ("update", {"data.a"})}
    change = {"data": {"a": "by hand", "unmanaged": "yes"}}
    merge = {"Content-Type": "application/merge-patch+json"}
    cluster.http.patch(path(program, "configmaps/settings"), json=change, headers=merge).raise_for_status()
    cluster.http.delete(path(program, "configmaps/other")).raise_for_status()

    refreshed = program.engine.refresh("--diff")

    assert re.search(r'~ a\s*: "1" => "by hand"', refreshed)
    assert "unmanaged" not in refreshed
    assert re.search(r"- 1 deleted\s+~ 1 updated|~ 1 updated\s+- 1 deleted", refreshed)
    with pytest.raises(EngineError, match=r"pulumi\.com/patchForce"):  # another manager owns the field now
        program.up()


def test_a_forbidden_change_replaces_the_object(program: Program, cluster: ControlPlane) -> None:
    program.up(deployment("one"))
    before = cluster.object(path(program, "apis/apps/v1:deployments/web"))["metadata"]["uid"]
    program.write(deployment("two"))
    operation, paths = program.plan()["web"]
    assert operation in ("replace", "delete-replaced", "create-replacement")
    assert "spec.selector.matchLabels.app" in paths
    program.up()
    after = cluster.object(path(program, "apis/apps/v1:deployments/web"))
    assert after["metadata"]["uid"] != before
    assert after["spec"]["selector"]["matchLabels"] == {"app": "two"}


def test_preview_says_what_admission_and_schema_would_refuse(program: Program, cluster: ControlPlane) -> None:
    enforce = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    merge = {"Content-Type": "application/merge-patch+json"}
    cluster.http.patch(f"/api/v1/namespaces/{program.namespace}", json=enforce, headers=merge).raise_for_status()
    program.write("""
resource("kubernetes:core/v1:Pod", "rogue", {
    "metadata": {"name": "rogue"},
    "spec": {"hostNetwork": True, "containers": [{"name": "rogue", "image": "localhost/rogue"}]},
})
resource("kubernetes:core/v1:Service", "typo", {
    "metadata": {"name": "typo", "namespace": "not-there-yet"}, "spec": {"ports": [{"port": 80, "targetPrt": 8080}]},
})
resource("kubernetes:core/v1:ConfigMap", "later", {"metadata": {"name": "later", "namespace": "not-there-yet"}})
""")
    with pytest.raises(EngineError) as refused:
        program.engine.preview()
    assert "violates PodSecurity" in str(refused.value)
    assert "targetPrt" in str(refused.value)
    assert "later" not in str(refused.value).partition("Diagnostics")[2]
    assert cluster.get(path(program, "pods/rogue")) is None


def test_a_failed_wait_names_the_reason_and_keeps_what_was_made(program: Program, cluster: ControlPlane) -> None:
    claim = """
resource("kubernetes:core/v1:PersistentVolumeClaim", "claim", {
    "metadata": {"name": "claim", "annotations": {%s}},
    "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}},
    },
}, custom_timeouts=pulumi.CustomTimeouts(create="2s", update="2s"))
"""
    with pytest.raises(EngineError, match="not ready after 2 s: phase Pending"):
        program.up(claim % "")
    made = cluster.object(path(program, "persistentvolumeclaims/claim"))["metadata"]["uid"]
    program.up(claim % '"pulumi.com/skipAwait": "true"')
    assert cluster.object(path(program, "persistentvolumeclaims/claim"))["metadata"]["uid"] == made


def test_an_existing_object_is_imported(program: Program, cluster: ControlPlane) -> None:
    body = {"metadata": {"name": "settings"}, "data": {"a": "1", "b": "x"}}
    cluster.http.post(path(program, "configmaps"), json=body).raise_for_status()
    text = config_map()
    imported = text.rstrip().removesuffix(")") + f', import_="{program.namespace}/settings")\n'
    program.up(imported)
    program.write(text)
    assert program.plan() == {}


def test_an_engine_killed_midway_leaves_no_plugin_and_the_next_update_adopts(
    program: Program, cluster: ControlPlane
) -> None:
    waiting = """
resource("kubernetes:core/v1:Pod", "pod", {
    "metadata": {"name": "pod", "annotations": {%s}},
    "spec": {"containers": [{"name": "pod", "image": "localhost/pod"}]},
})
"""
    program.write(config_map() + waiting % "")
    engine = program.engine
    running = subprocess.Popen(
        [engine.pulumi, "up", "--yes", "--skip-preview", "--non-interactive", *engine._where()],
        cwd=program.folder,
        env=engine.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made = eventually(lambda: cluster.get(path(program, "pods/pod")), "the pod is made")
    plugins = program.plugins()
    assert plugins
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert psutil.wait_procs(plugins, timeout=10)[1] == []

    cluster.http.patch(
        path(program, "pods/pod"),
        json={"metadata": {"labels": {"mine": "yes"}}},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()
    program.up(config_map() + waiting % '"pulumi.com/skipAwait": "true"')
    found = cluster.object(path(program, "pods/pod"))
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
