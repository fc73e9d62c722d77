"""Settings to plans: the rules between settings, and what follows from them."""

from infra.plan.build import Plan, TenantPlan, plan_stack

__all__ = ["Plan", "TenantPlan", "plan_stack"]
