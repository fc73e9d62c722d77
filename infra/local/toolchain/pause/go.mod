// The process that holds a pod's namespaces open; a node without a registry needs one of its own.
module moltghost/toolchain/pause

go 1.26
