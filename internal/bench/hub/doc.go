// Package hub measures conversions and plans by name against the Hub of the
// tests: seconds, bytes, requests and memory. docs/performance.md has the
// figures and how to repeat them.
package hub
