//go:build tools

// Package peers names the etcd server that benchmarks run beside Pintle, so that go.mod pins it.
package peers

import _ "go.etcd.io/etcd/server/v3"
