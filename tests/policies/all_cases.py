"""The cases of all rules."""

from tests.policies.cases import Case, clouds, edges, objects, pods

CASES: dict[str, Case] = {**pods.CASES, **objects.CASES, **clouds.CASES, **edges.CASES}
