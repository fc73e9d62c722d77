"""What the node's programs are configured with."""

import json
import tomllib
from pathlib import Path

import yaml

from components.cluster import controller
from infra.local.cluster import cgroups, containerd, dataplane, enclosure, kubelet, rbac, simulated
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.certificates import Pair
from infra.local.files import write_changed
from runtime.contract import labels

ADDRESSES = Addresses(4)


def test_each_pod_has_a_link_of_its_own_and_its_address_is_never_hidden() -> None:
    (plugin,) = json.loads(containerd.render_network(ADDRESSES))["plugins"]
    assert (plugin["type"], plugin["ipMasq"]) == ("ptp", False)
    assert plugin["ipam"]["ranges"] == [[{"subnet": "198.18.64.0/20"}]]


def test_containerd_needs_no_registry_and_nothing_of_the_hosts(tmp_path: Path) -> None:
    text = containerd.render_config(tmp_path, "localhost/pause:1", Path("/tools/shim"), restrict_oom_score=True)
    config = tomllib.loads(text)
    assert config["imports"] == []
    plugins = config["plugins"]
    assert plugins["io.containerd.nri.v1.nri"]["disable"] is True, "its socket lies outside the enclosure"
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == "localhost/pause:1"
    runtime = plugins["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"]["conf_dir"] == str(tmp_path)
    assert runtime["containerd"]["runtimes"]["runc"]["runtime_path"] == "/tools/shim"


def test_the_kubelet_lets_nobody_in_unasked_and_keeps_its_images(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "c", tmp_path / "k")
    config = kubelet.build_config(ADDRESSES, tmp_path / "ca", pair, tmp_path, tmp_path / "logs")
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["cgroupRoot"] == "/moltghost-4"
    assert config["address"] == "198.51.100.66"


def test_pods_get_no_name_server_of_the_host(tmp_path: Path) -> None:
    config = kubelet.build_config(ADDRESSES, tmp_path, Pair(tmp_path, tmp_path), tmp_path, tmp_path)
    kubelet.build_program(Path("/kubelet"), tmp_path, ADDRESSES, tmp_path / "kubeconfig", config)
    resolv = Path(config["resolvConf"]).read_text()
    assert "nameserver" not in resolv
    assert resolv.strip(), "an empty file would be replaced with the host's"


def test_the_node_is_known_by_its_gpu_class_and_has_its_pod_network() -> None:
    node = kubelet.build_node(ADDRESSES)
    assert node["metadata"]["labels"][labels.GPU_CLASS] == "l40s"
    assert node["spec"]["podCIDR"] == "198.18.64.0/20"


def test_kube_router_only_judges(tmp_path: Path) -> None:
    argv = dataplane.kube_router(Path("/r"), ADDRESSES, tmp_path).argv
    assert {"--run-firewall=true", "--run-router=false", "--run-service-proxy=false"} <= set(argv)
    assert "--service-cluster-ip-range=198.19.64.0/20" in argv


def test_a_configuration_that_says_the_same_is_not_touched(tmp_path: Path) -> None:
    path = write_changed(tmp_path / "folder" / "config", "a")
    written = path.stat().st_ino
    assert write_changed(path, "a").stat().st_ino == written
    assert write_changed(path, "b").read_text() == "b"


def test_kube_proxy_leaves_the_hosts_limits_alone(tmp_path: Path) -> None:
    dataplane.kube_proxy(Path("/p"), tmp_path, ADDRESSES, tmp_path / "kubeconfig")
    config = yaml.safe_load((tmp_path / "kube-proxy.yaml").read_text())
    assert config["mode"] == "nftables"
    assert config["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_machine_clients_may_read_no_secret_and_escalate_nothing() -> None:
    for user, rules in rbac.RULES.items():
        for rule in rules:
            assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"]), user
            assert not {"secrets", "clusterroles", "serviceaccounts/token"} & set(rule["resources"]), user


def test_every_machine_client_is_bound_to_its_own_role() -> None:
    objects = rbac.build_objects()
    for user in rbac.RULES:
        binding = objects[f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{user}"]
        assert (binding["roleRef"]["name"], binding["subjects"][0]["name"]) == (user, user)


def test_hierarchies_of_both_versions_are_found() -> None:
    mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
    mounts += "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n/dev/vda / ext4 rw 0 0\n"
    assert cgroups.hierarchies(mounts) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]


def test_the_enclosure_covers_the_fixed_folders_and_passes_the_command_on(tmp_path: Path) -> None:
    argv = enclosure.launcher(tmp_path)
    assert argv[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert argv[-1] == str(tmp_path)
    assert all(point in enclosure.SCRIPT for point in enclosure.MOUNT_POINTS)


def test_the_simulated_node_is_kwoks_and_says_what_is_left_out() -> None:
    node = simulated.build_node(ADDRESSES)
    assert node["metadata"]["annotations"] == {"kwok.x-k8s.io/node": "fake"}
    stages = [stage["metadata"]["name"] for stage in yaml.safe_load_all(simulated.STAGES.read_text())]
    assert stages == ["node-initialize", "node-heartbeat", "pod-ready", "pod-complete", "pod-delete"]
    assert "no NetworkPolicy is enforced" in simulated.LIMITS


def test_the_controller_of_sandboxes_has_the_rights_the_stack_declares_and_listens_on_loopback(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    program = simulated.build_sandbox_controller({controller.NAME: tmp_path / "it"}, ADDRESSES, config)
    assert program.argv[:2] == [str(tmp_path / "it"), f"--kubeconfig={config}"]
    listens = [flag.partition("=")[2] for flag in program.argv if "bind-address" in flag]
    assert listens == ["0", f"127.0.0.1:{ADDRESSES.sandbox_controller}"]
    role = rbac.build_objects()[f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{rbac.SANDBOXES}"]
    assert role["rules"] == controller.CLUSTER_RULES
