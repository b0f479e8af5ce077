#include "apimachinery/validation/node_labels.h"

#include <gtest/gtest.h>

namespace pintle::apimachinery {
namespace {

TEST(NodeLabels, TheClustersOwnAreKept) {
  for (const char* mine : {"team", "example.com/team", "kubernetes.io/hostname", "kubernetes.io/os", "node.kubernetes.io/x",
                           "a.kubelet.kubernetes.io/x", "topology.kubernetes.io/zone"})
    EXPECT_FALSE(label_is_kept_from_nodes(mine)) << mine;
  for (const char* kept : {"node-role.kubernetes.io/control-plane", "node-restriction.kubernetes.io/x", "a.node-restriction.kubernetes.io/x",
                           "kubernetes.io/role", "x.k8s.io/y"})
    EXPECT_TRUE(label_is_kept_from_nodes(kept)) << kept;
}

}  // namespace
}  // namespace pintle::apimachinery
