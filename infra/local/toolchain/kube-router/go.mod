// Builds kube-router, which enforces NetworkPolicy on the local node.
module moltghost/toolchain/kube-router

go 1.26

tool github.com/cloudnativelabs/kube-router/v2/cmd/kube-router

require github.com/cloudnativelabs/kube-router/v2 v2.2.1

// The upstream module of this version is not published; k3s keeps a published fork.
replace github.com/cloudnativelabs/kube-router/v2 => github.com/k3s-io/kube-router/v2 v2.2.1
