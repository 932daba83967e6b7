//go:build (!amd64 && !arm64) || noasm

package kernel

// variants returns the kernels that this build has.
func variants() []variant { return []variant{pure} }

const pairsFaster = false // products of pairs
