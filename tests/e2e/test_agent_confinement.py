"""What an agent's programs cannot do in their pod, nor to their neighbours."""

import errno
import json
import subprocess

import pytest

from infra.local.cluster.control_plane import LOOPBACK
from infra.local.cluster.kubelet import POD_PIDS
from runtime.contract import image, paths, ports
from tests.e2e.asking import answers, say
from tests.e2e.conftest import Cluster, Customer, is_ready
from tests.e2e.spare import create
from tests.waiting import eventually

pytestmark = pytest.mark.cluster


WRITE = """
import json, pathlib, sys
found = {}
for folder in sys.argv[1:]:
    file = pathlib.Path(folder) / ".written-by-a-test"
    try:
        file.write_text("x")
        file.unlink()
        found[folder] = 0
    except OSError as error:
        found[folder] = error.errno
print(json.dumps(found))
"""


def test_writing_fails_everywhere_but_in_three_places(cluster: Cluster, acme: Customer) -> None:
    inside = [image.DATA_DIR, image.RUN_DIR, "/tmp"]  # noqa: S108  # a path in the pod
    program = image.OPENCLAW_PROGRAM.rpartition("/")[0]
    outside = [
        *("/", "/app", "/etc", "/usr/local/bin", "/opt", "/home", "/var", "/run", "/run/moltghost", program),
        *(image.MODEL_DIR, image.SKILLS_DIR, image.CONFIG_DIR, image.SECRETS_DIR),
    ]
    found = cluster.in_agent(acme, WRITE, *inside, *outside)
    assert {place: found[place] for place in inside} == dict.fromkeys(inside, 0)
    assert [place for place in outside if found[place] not in (errno.EROFS, errno.ENOENT)] == []
    assert found["/"] == found[image.SKILLS_DIR] == found[program] == errno.EROFS


BOMB = """
import json, os, signal, sys
children, refusal = [], 0
while not refusal:
    try:
        if pid := os.fork():
            children.append(pid)
        else:
            signal.pause()
            os._exit(0)
    except OSError as error:
        refusal = error.errno
print(json.dumps([refusal, len(children)]), flush=True)
sys.stdin.read()
for pid in children:
    os.kill(pid, signal.SIGKILL)
for pid in children:
    os.waitpid(pid, 0)
"""


def test_a_fork_bomb_ends_at_the_pods_limit_and_the_neighbour_serves_on(
    cluster: Cluster, acme: Customer, globex: Customer
) -> None:
    neighbour, own = cluster.running_since(acme), cluster.running_since(globex)
    kubectl = [str(cluster.kubectl_path), f"--kubeconfig={cluster.kubeconfig}"]
    where = ["exec", "-i", "-n", globex.namespace, cluster.pod_name(globex)]
    with subprocess.Popen(
        [*kubectl, *where, "--", "python3", "-c", BOMB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as bomb:
        assert bomb.stdout is not None
        refusal, children = json.loads(bomb.stdout.readline())
        assert refusal == errno.EAGAIN
        assert children < POD_PIDS
        assert "tiny model" in say(acme, "Who are you?")
        (pod,) = cluster.pods(acme)
        assert is_ready(pod)
        bomb.communicate()
    assert cluster.running_since(acme) == neighbour
    # What found no room for a thread may have ended, and been started again.
    eventually(lambda: answers(globex), "its own agent serves again", seconds=120, every=0.2)
    assert cluster.running_since(globex) == own


FILL = """
import json, os, pathlib
volume = os.statvfs("/data")
with pathlib.Path("/data/filler").open("wb") as filler:
    os.posix_fallocate(filler.fileno(), 0, int(volume.f_bavail * volume.f_frsize * 0.97))
print(json.dumps("filled"))
"""
FREE = "import os; os.unlink('/data/filler'); print('0')"
READY = """
import json, sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as refused:
    answer = refused
print(json.dumps([answer.status, json.load(answer)]))
"""


def test_a_full_volume_is_not_ready_and_says_so(cluster: Cluster, globex: Customer) -> None:
    cluster.await_agent(globex)
    url = f"http://{LOOPBACK}:{ports.AGENT_OPS}{paths.READY}"
    assert cluster.in_agent(globex, READY, url) == [200, {"ready": True, "failing": []}]
    cluster.in_agent(globex, FILL)
    try:
        status, body = cluster.in_agent(globex, READY, url)
        assert (status, body["ready"]) == (503, False)
        assert [part for part in body["failing"] if "volume" in part], body
        eventually(lambda: not is_ready(cluster.pods(globex)[0]), "Kubernetes sees it", seconds=30, every=0.5)
    finally:
        cluster.in_agent(globex, FREE)
    assert cluster.in_agent(globex, READY, url) == [200, {"ready": True, "failing": []}]
    cluster.await_agent(globex)


def test_a_pod_that_runs_as_root_is_refused(cluster: Cluster, acme: Customer) -> None:
    (pod,) = cluster.pods(acme)
    metadata = {"name": "rooted", "namespace": acme.namespace}
    for change in ({"runAsUser": 0}, {"runAsNonRoot": False, "runAsUser": 0}):
        security = {**pod["spec"]["securityContext"], **change}
        spec = {**pod["spec"], "securityContext": security}
        with pytest.raises(AssertionError, match=r"violates PodSecurity.*runAs"):
            create(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


BECOME_ROOT = """
import glob, json, os, pathlib
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
refused = {}
for name in ("setuid", "setgid", "seteuid"):
    try:
        getattr(os, name)(0)
    except PermissionError as error:
        refused[name] = error.errno
marked = []
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys")):
        continue
    for name in names:
        try:
            if os.lstat(os.path.join(folder, name)).st_mode & 0o6000:
                marked.append(os.path.join(folder, name))
        except OSError:
            pass
caps = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
print(json.dumps({"refused": refused, "marked": marked, "caps": caps, "no_new_privs": status["NoNewPrivs"].strip(),
                  "uids": os.getresuid(), "seccomp": status["Seccomp"].strip()}))
"""


def test_nothing_in_the_pod_becomes_root(cluster: Cluster, acme: Customer) -> None:
    found = cluster.in_agent(acme, BECOME_ROOT)
    assert found["refused"] == dict.fromkeys(("setuid", "setgid", "seteuid"), errno.EPERM)
    assert found["marked"] == [], "no program of the image is marked to run as another user"
    assert found["no_new_privs"] == "1", "and if one were, the mark would do nothing"
    assert found["caps"] == [0] * 5
    assert found["uids"] == [image.UID] * 3
    assert found["seccomp"] == "2"
