"""Client certificates (mTLS), as the zone is told of them: the CAs, and the host name that asks for theirs."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.client_certificates_spec import ClientCertificatesSpec, build_association, build_ca, ca_name


@dataclass(frozen=True, kw_only=True)
class ClientCertificatesArgs:
    """What ClientCertificates is made from."""

    spec: ClientCertificatesSpec
    cloudflare: pulumi.ProviderResource


class ClientCertificates(pulumi.ComponentResource):
    """The host name asks for a certificate of each CA's, and takes a connection without one: who comes in is the
    Worker's to say.

    An association is not undone with its resource (the provider has no way to), and Cloudflare deletes no CA that has
    one. So a CA's trust is ended by `trusted: false` before it is taken out.
    """

    def __init__(self, name: str, args: ClientCertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:ClientCertificates", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        for each in spec.cas:
            own = ca_name(spec, each)
            ca = cloudflare.MtlsCertificate(own, opts=options, **build_ca(spec, each))
            cloudflare.CertificateAuthoritiesHostnameAssociations(
                own, mtls_certificate_id=ca.id, opts=options, **build_association(spec, each)
            )
        self.register_outputs({"hostname": spec.hostname})
