"""Whose client certificates the edge asks for, from a stack file to what the zone is told."""

import pytest

from components.edge.client_certificates_spec import ClientCaSpec, ClientCertificatesSpec
from infra.plan import Plan
from infra.stacks.access_specs import client_certificates_spec
from tests.authorities import pem, signs
from tests.infra.bad_access import certificate
from tests.infra.departures import E, both, put
from tests.stack_files import dev_plan, machine_config


def certificates_of(plan: Plan) -> ClientCertificatesSpec | None:
    return client_certificates_spec(plan.region, plan.settings.edge)


def test_a_stack_without_any_asks_for_no_certificate() -> None:
    assert certificates_of(dev_plan(machine_config())) is None


def test_the_zone_is_told_of_every_ca_and_of_nothing_around_its_certificate() -> None:
    config = machine_config()
    old = pem("B6" * 20, end="2025-12-31")
    text = f"Certificate: of acme's own authority\n{pem(more=[signs(True)])}\n"
    both(
        certificate(),
        put({"acme": {"certificate": text}, "old": {"certificate": old, "trusted": False}}, E, "client_cas"),
    )(config)
    spec = certificates_of(dev_plan(config))
    assert spec is not None
    assert (spec.hostname, spec.zone_id) == (config[E]["hostname"], config[E]["zone_id"])
    found, past = spec.cas
    assert past == ClientCaSpec(id="old", certificate=old.strip(), trusted=False), "one that is over may still be there"
    assert found.trusted
    assert found.certificate == text.partition("authority\n")[2].strip()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_one_certificate_has_one_form(line_end: str) -> None:
    config = machine_config()
    ca = pem()
    put({"acme": {"certificate": ca.replace("\n", line_end)}}, E, "client_cas")(config)
    assert dev_plan(config).settings.edge.client_cas["acme"].certificate == ca.strip()
