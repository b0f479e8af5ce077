module pintle.test/upstream

go 1.26

require k8s.io/api v0.36.3
