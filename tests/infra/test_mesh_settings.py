"""A fleet's mesh is judged before anything is made: each bad one is named by place, value and remedy."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from components.network.mesh.planning import Mesh
from infra.plan.mesh import RULES, mesh_problems, mesh_spec
from infra.settings.mesh import MeshSettings, Site
from tests.components.network.mesh.meshes import public_key


def gateway(site: str, plane: str, endpoint: str | None) -> dict[str, Any]:
    keys = [{"generation": number, "key": public_key(f"{site}{plane}{number}")} for number in (1, 2)]
    return {"plane": plane, "keys": keys} | ({"endpoint": endpoint} if endpoint else {})


def good() -> dict[str, Any]:
    """Two regions, and metal that only dials out to one of them."""

    def site(name: str, number: int, kind: str, **more: Any) -> dict[str, Any]:
        ends = [None, None] if kind == "metal" else [f"203.0.113.{number * 2}", f"2001:db8::{number * 2 + 1}"]
        gateways = [gateway(name, plane, end) for plane, end in zip("ab", ends, strict=True)]
        ranges = [f"10.{number * 16}.0.0/16"]
        return {"name": name, "kind": kind, "number": number, "ranges": ranges, "gateways": gateways, **more}

    sites = [site("sin", 1, "region"), site("jkt", 2, "region"), site("dc1", 3, "metal", neighbours=["sin"])]
    return {"mesh": {"tunnel_range": "10.255.0.0/16", "generations": [1, 2]}, "sites": sites}


def problems(config: dict[str, Any]) -> list[tuple[str, str, str]]:
    mesh, sites = MeshSettings(**config["mesh"]), [Site(**each) for each in config["sites"]]
    return [(each.path, each.text({}), each.remedy) for each in mesh_problems(mesh, sites)]


def changed(where: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(good())
    *way, last = [int(step) if step.isdigit() else step for step in where.split("/")]
    place: Any = config
    for step in way:
        place = place[step]
    place[last] = value
    return config


def test_a_good_mesh_has_no_problem_and_can_be_computed() -> None:
    config = good()
    assert problems(config) == []
    mesh = Mesh(mesh_spec(MeshSettings(**config["mesh"]), [Site(**each) for each in config["sites"]]))
    assert mesh.neighbours == {"sin": ("dc1", "jkt"), "jkt": ("sin",), "dc1": ("sin",)}
    assert len(list(mesh.gateways())) == 6


DIALLING = gateway("sin", "a", None)
FIRST, SECOND = "moltghost:sites[0].gateways[0]", "moltghost:sites[1].gateways[0]"

BAD = {
    "name twice": ("sites/1/name", "sin", "moltghost:sites[1].name", "twice"),
    "number twice": ("sites/1/number", 1, "moltghost:sites[1].number", "twice"),
    "plane twice": ("sites/0/gateways/1/plane", "a", "moltghost:sites[0].gateways[1].plane", "twice"),
    "number beyond the range": ("sites/1/number", 8192, "moltghost:sites[1].number", "below 8192"),
    "overlap": ("sites/1/ranges", ["10.16.128.0/24"], "moltghost:sites[1].ranges[0]", "sites[0].ranges[0]"),
    "overlap with the tunnels": ("sites/1/ranges", ["10.255.4.0/24"], "moltghost:sites[1].ranges[0]", "tunnel_range"),
    "the world": ("sites/1/ranges", ["0.0.0.0/0"], "moltghost:sites[1].ranges[0]", "every address"),
    "no such neighbour": ("sites/2/neighbours", ["sin", "usw"], "moltghost:sites[2].neighbours[1]", "no site"),
    "itself": ("sites/2/neighbours", ["sin", "dc1"], "moltghost:sites[2].neighbours[1]", "itself"),
    "both only dial": ("sites/0/gateways/0", DIALLING, "moltghost:sites[2].gateways[0].endpoint", "both ends"),
    "mtu too large": ("sites/0/mtu", 1421, "moltghost:sites[0].mtu", "Give 1420 or less"),
    "jumbo at one end": ("sites/0/mtu", 8921, "moltghost:sites[0].mtu", "1500 bytes"),
    "mtu too small": ("sites/0/mtu", 1200, "moltghost:sites[0].mtu", "1280 to 1420"),
    "underlay too narrow": ("sites/2/underlay_mtu", 1359, "moltghost:sites[2].underlay_mtu", "1360 bytes"),
    "generations apart": ("mesh/generations", [1, 3], "moltghost:mesh.generations[1]", "next number"),
    "generation twice": ("mesh/generations", [1, 1], "moltghost:mesh.generations[1]", "next number"),
    "no key": ("sites/0/gateways/0/keys", DIALLING["keys"][:1], f"{FIRST}.keys", "generation 2"),
    "key twice": ("sites/1/gateways/0/keys/0/key", public_key("sina1"), f"{SECOND}.keys[0].key", "twice"),
    "port clash": ("sites/1/gateways/0/endpoint", "203.0.113.2", "moltghost:sites[1].gateways[0].port", "51828"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_mesh_is_named_by_place_and_remedy(name: str) -> None:
    where, value, path, said = BAD[name]
    found = problems(changed(where, value))
    assert any(place == path and said in text for place, text, _ in found), found
    assert all(remedy for _, _, remedy in found)


def test_all_problems_are_found_at_once() -> None:
    config = changed("sites/0/mtu", 9000)
    config["sites"][1]["ranges"] = ["0.0.0.0/0"]
    config["sites"][2]["neighbours"] = ["nowhere"]
    assert len(problems(config)) >= 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_refuses_something(rule: Any) -> None:
    """A rule that were emptied would leave one of the bad cases above unnoticed."""
    crowd = [changed(where, value) for where, value, _, _ in BAD.values()]
    many = good()
    for at in range(4, 110):
        more = copy.deepcopy(many["sites"][1]) | {"name": f"r{at}", "number": at, "ranges": [f"172.16.{at}.0/24"]}
        many["sites"].append(more)
    for config in [*crowd, many]:
        mesh, sites = MeshSettings(**config["mesh"]), [Site(**each) for each in config["sites"]]
        if list(rule(mesh, sites)):
            return
    pytest.fail("no bad mesh is refused by it")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("sites/0/gateways", [gateway("sin", "a", "203.0.113.2")]),
        ("sites/0/ranges", []),
        ("sites/0/ranges", ["10.16.0.1/16"]),
        ("sites/0/underlay_mtu", 9217),
        ("sites/0/gateways/0/endpoint", "gw.example.com"),
        ("sites/0/gateways/0/port", 65530),
        ("sites/0/gateways/0/keys/0/key", "A" * 43 + "B"),
        ("sites/0/gateways/0/plane", "e"),
        ("sites/0/allowed_ips", ["0.0.0.0/0"]),
        ("mesh/generations", [1, 2, 3]),
    ],
)
def test_what_has_no_right_form_is_refused(where: str, value: Any) -> None:
    """One gateway only, a host name, an unknown key …: the models refuse before any rule looks."""
    with pytest.raises(ValidationError):
        problems(changed(where, value))
