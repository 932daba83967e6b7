// Package shared finds the large test material that lives beside the
// repository. Tests that need it skip, with the reason, where it is absent.
package shared
