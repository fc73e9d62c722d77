"""What the edge, the gateway, the agent and the program agree on, each fact in one place.

Standard library only. `moltghost gen` writes what the Worker needs of it to `workers/edge/src/generated/contract.ts`.
"""
