// Builds the agent-sandbox controller for the local cluster's image.
module moltghost/toolchain/agent-sandbox

go 1.26

tool sigs.k8s.io/agent-sandbox/cmd/agent-sandbox-controller

require sigs.k8s.io/agent-sandbox v0.5.6
