"""The policy pack: `pulumi preview|up --policy-pack policies`."""

from policies.pack import serve

serve()
