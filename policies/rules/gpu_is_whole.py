"""One agent, one whole GPU."""

from policies.field import Field, Findings, inputs_of
from policies.pods import POD_TYPES, TENANT_LABEL, admit_pods, pod_of
from policies.record import Resource
from policies.rule import Rule

GPU = "nvidia.com/gpu"
_SHARES = ("nvidia.com/mig-", "nvidia.com/gpu.shared", "nvidia.com/gpumem", "nvidia.com/gpucores")
"""Resources that are parts of a GPU: MIG slices, time slices, and the shares of GPU virtualisers."""


def _asked(container: Field) -> Findings:
    for kind in ("limits", "requests"):
        asked = container["resources"][kind]
        if not asked.is_known:
            yield asked.unknown()
        for name, amount in asked.items():
            if name == GPU:
                yield from amount.require(lambda value: str(value) == "1", "an agent has exactly one whole GPU")
            elif name.startswith(_SHARES):
                yield amount.fail(f"{name} is a part of a GPU that others use too")
    for variable in container["env"].each():
        if variable["name"].text().startswith("CUDA_MPS_"):
            yield variable["name"].fail("MPS shares a GPU between processes of several pods")
        if variable["name"].text() == "NVIDIA_VISIBLE_DEVICES":
            yield from variable["value"].require(
                lambda value: value in ("none", "void"), "reaches past what it was given"
            )


def check(resource: Resource) -> Findings:
    """No container has a part of a GPU; a tenant's pod has one GPU in all."""
    pod = pod_of(resource)
    for container in pod.containers():
        yield from _asked(container)
    if not inputs_of(resource).at("metadata", "labels", TENANT_LABEL).is_set:
        return
    limits = [container["resources"]["limits"] for container in pod.containers()]
    having = [each[GPU] for each in limits if each[GPU].is_set]
    if len(having) != 1 and all(each.is_known for each in limits):
        yield pod.spec["containers"].fail(f"{len(having)} containers have a GPU: an agent is one pod with one GPU")


_OWN = (
    '["limits", "requests"].all(k, !(k in c.resources) || '
    f'!("{GPU}" in c.resources[k]) || string(c.resources[k]["{GPU}"]) == "1")'
)
_NO_SHARES = (
    '["limits", "requests"].all(k, !(k in c.resources) || c.resources[k].all(name, '
    + " && ".join(f'!name.startsWith("{share}")' for share in _SHARES)
    + "))"
)

RULE = Rule(
    name="gpu-is-whole",
    says="An agent has one whole GPU; nothing has a part of one.",
    reason="GPU memory is not cleared between the users of a shared GPU, and one can starve or watch the other.",
    remedy=f"Ask for {GPU}: 1 in one container's limits, and for no MIG, MPS or time slice.",
    controls=("SOC2 CC6.1", "ISO 27001 A.8.22", "GDPR Art. 32"),
    types=POD_TYPES,
    check=check,
    admission=admit_pods(
        f"variables.containers.all(c, !has(c.resources) || ({_OWN} && {_NO_SHARES})) && "
        f'(!("{TENANT_LABEL}" in object.metadata.?labels.orValue({{}})) || '
        f'variables.containers.filter(c, has(c.resources) && has(c.resources.limits) && "{GPU}" in c.resources.limits)'
        ".size() == 1) && variables.containers.all(c, c.?env.orValue([]).all(e, "
        '!e.name.startsWith("CUDA_MPS_") && '
        '(e.name != "NVIDIA_VISIBLE_DEVICES" || e.?value.orValue("") in ["none", "void"])))'
    ),
)
