//go:build headers

// Package headers keeps in go.mod the module that carries miniaudio.h: the published Ollama module lacks it, since a
// module's archive leaves out every folder named "vendor". It is never compiled.
package headers

import _ "github.com/gen2brain/malgo"
