//go:build tools

// Package tools names the program that is built, so that go.mod pins it.
package tools

import _ "github.com/opencontainers/runc"
