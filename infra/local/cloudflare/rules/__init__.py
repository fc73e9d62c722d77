"""Cloudflare's rule language as far as this machine evaluates it: parsed and typed here, evaluated by `firewall.mjs`.

Written from Cloudflare's pages of the language (https://developers.cloudflare.com/ruleset-engine/rules-language/), not
from the builder in `components.edge.rules`: what that one writes must be understood by somebody else.
"""

from infra.local.cloudflare.rules.grammar import Ast, ExpressionError, parse

__all__ = ["Ast", "ExpressionError", "parse"]
