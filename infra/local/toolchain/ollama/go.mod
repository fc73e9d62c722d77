// Builds Ollama, the model server in the agent image, where no official build can be had.
module moltghost/toolchain/ollama

go 1.26

tool github.com/ollama/ollama

require github.com/ollama/ollama v0.17.4
