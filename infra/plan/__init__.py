"""Settings to plans: the rules between settings, and what follows from them."""

from infra.plan.build import CustomerPlan, GlobalPlan, Plan, RegionPlan, StackPlan, TenantPlan, plan_stack

__all__ = ["CustomerPlan", "GlobalPlan", "Plan", "RegionPlan", "StackPlan", "TenantPlan", "plan_stack"]
