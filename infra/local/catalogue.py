"""The programs a local region runs that Debian does not carry recent enough, each pinned to one version.

Why Go modules: a program must reach a machine that has no more than the package registries, and no file here may name
a download host. PyPI and npm carry SDKs of Pulumi and Kubernetes, but no official build of their programs; Debian 12
carries etcd 3.4, kubectl 1.20 and containerd 1.6, years too old, and none of the rest. The module proxy carries the
source of all of them, with checksums, so what is not installed is built from there. Pulumi is the one program whose own
SDK knows how to download the official build (see `official.py`).

A version is raised here and in the `go.mod` of `toolchain/<name>/` together; a test holds the two to each other.
"""

from dataclasses import dataclass
from enum import StrEnum

Version = tuple[int, ...]


class Linking(StrEnum):
    """How a program is linked; always statically, so that it runs on any Linux and in an empty image."""

    PURE = "pure"
    """Go alone, without a C compiler."""
    STATIC_CPP = "static-cpp"
    """With C++ through cgo, the C and C++ libraries linked in."""


@dataclass(frozen=True)
class Acceptable:
    """Which installed program will do in the pinned one's place."""

    arguments: tuple[str, ...]
    """What makes it print its version."""
    at_least: Version
    below: Version
    companions: tuple[str, ...] = ()
    """Programs that must be on PATH beside it."""


@dataclass(frozen=True)
class Tool:
    """A program: where its source is, and what may stand in for it."""

    name: str
    toolchain: str
    """The folder of `toolchain/` whose go.mod and go.sum pin its source; tools that share one are built in one go."""
    version: str
    package: str
    linking: Linking = Linking.PURE
    variables: tuple[tuple[str, str], ...] = ()
    """String variables set at link time."""
    installed: Acceptable | None = None
    """None: only a build of the pinned version will do."""
    packages: tuple[str, ...] = ()
    """Debian packages a build of it needs."""
    beside: tuple[tuple[str, str], ...] = ()
    """What its official build has beside the program: (module, path in the module's source)."""

    @property
    def binary(self) -> str:
        """What `go build` calls it: the last element of the package that is not a major version."""
        parts = [part for part in self.package.split("/") if not (part[0] == "v" and part[1:].isdigit())]
        return parts[-1]


KUBERNETES = "v1.36.3"
KUBERNETES_VARIABLES = (
    ("k8s.io/component-base/version.gitVersion", KUBERNETES),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "36"),
)


def _kubernetes(name: str, installed: Acceptable) -> Tool:
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Tool(name, "kubernetes", KUBERNETES, package, variables=KUBERNETES_VARIABLES, installed=installed)


CONTAINERD = "v2.2.9"


def _containerd(name: str, version_flag: str) -> Tool:
    module = "github.com/containerd/containerd/v2"
    variables = ((f"{module}/version.Version", CONTAINERD),)
    installed = Acceptable((version_flag,), (2, 1), (3,))  # the first that mounts an image as a volume
    return Tool(name, "containerd", CONTAINERD, f"{module}/cmd/{name}", variables=variables, installed=installed)


SAME_MINOR = Acceptable(("--version",), (1, 36), (1, 37))

_ALL = (
    _kubernetes("kube-apiserver", SAME_MINOR),
    _kubernetes("kube-controller-manager", SAME_MINOR),
    _kubernetes("kube-scheduler", SAME_MINOR),
    _kubernetes("kubelet", SAME_MINOR),
    _kubernetes("kube-proxy", SAME_MINOR),
    _kubernetes(
        "kubectl", Acceptable(("version", "--client"), (1, 35), (1, 38))
    ),  # one minor either way, upstream's rule
    Tool(
        "pulumi",
        "pulumi",
        "v3.256.0",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        variables=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", "v3.256.0"),),
        installed=Acceptable(("version",), (3, 256), (4,), companions=("pulumi-language-python",)),
        beside=(("github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python-exec"),),
    ),
    Tool(
        "etcd",
        "etcd",
        "v3.7.2",
        "go.etcd.io/etcd/server/v3",
        installed=Acceptable(("--version",), (3, 6), (4,)),
    ),
    _containerd("containerd", "--version"),
    _containerd("containerd-shim-runc-v2", "-v"),
    _containerd("ctr", "--version"),
    Tool(
        "agent-sandbox-controller", "agent-sandbox", "v0.5.6", "sigs.k8s.io/agent-sandbox/cmd/agent-sandbox-controller"
    ),
    Tool("kube-router", "kube-router", "v2.2.1", "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"),
    Tool(
        "kwok",
        "kwok",
        "v0.8.0",
        "sigs.k8s.io/kwok/cmd/kwok",
        installed=Acceptable(("--version",), (0, 8), (0, 9)),
    ),
    # An installed Ollama is of no use: its official build loads libraries from beside it, and the image takes one file.
    Tool(
        "ollama",
        "ollama",
        "v0.17.4",
        "github.com/ollama/ollama",
        linking=Linking.STATIC_CPP,
        variables=(("github.com/ollama/ollama/version.Version", "0.17.4"),),
        packages=("g++", "libstb-dev", "nlohmann-json3-dev"),  # the headers its published module lacks, and a compiler
    ),
    Tool("pause", "pause", "v1.0.0", "moltghost/toolchain/pause"),
    # An oracle of the tests: what the API server's own admission says of a pod.
    Tool("pod-security", "pod-security", "v0.36.3", "moltghost/toolchain/pod-security"),
)

CATALOGUE: dict[str, Tool] = {tool.name: tool for tool in _ALL}
