//go:build !unix

package hub

const noFollow = 0
