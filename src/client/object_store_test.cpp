#include "client/object_store.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"

namespace pintle::client {
namespace {

using api::core_v1::Pod;

AnyPtr pod(std::string ns, std::string name, std::string node) {
  auto made = std::make_shared<Pod>();
  made->metadata.namespace_ = std::move(ns);
  made->metadata.name = std::move(name);
  made->spec.node_name = std::move(node);
  return made;
}

std::string names(const ObjectStore& store, const std::vector<AnyPtr>& objects) {
  std::string out;
  for (const AnyPtr& object : objects) out += store.meta(object.get()).name + " ";
  return out;
}

std::vector<std::string> by_node(const void* object) {
  const auto& node = static_cast<const Pod*>(object)->spec.node_name;
  if (node.empty()) return {};
  return {node};
}

TEST(ObjectStore, Keys) {
  EXPECT_EQ(object_key("a", "b"), "a/b");
  EXPECT_EQ(object_key("", "b"), "b");
  EXPECT_EQ(split_key("a/b").namespace_name, "a");
  EXPECT_EQ(split_key("a/b").name, "b");
  EXPECT_EQ(split_key("b").namespace_name, "");
  EXPECT_EQ(split_key("b").name, "b");
}

TEST(ObjectStore, IndexesFollowTheObjects) {
  ObjectStore store(api::type_of<Pod>());
  EXPECT_EQ(store.put("a/x", pod("a", "x", "n1")), nullptr);
  store.add_index("node", by_node);  // built of what is there
  store.put("a/y", pod("a", "y", "n1"));
  store.put("b/z", pod("b", "z", ""));
  EXPECT_EQ(names(store, store.by_index("node", "n1")), "x y ");
  EXPECT_EQ(names(store, store.in_namespace("a")), "x y ");
  EXPECT_EQ(names(store, store.in_namespace("b")), "z ");
  EXPECT_NE(store.put("a/x", pod("a", "x", "n2")), nullptr);
  EXPECT_EQ(names(store, store.by_index("node", "n1")), "y ");
  EXPECT_EQ(names(store, store.by_index("node", "n2")), "x ");
  EXPECT_NE(store.erase("a/x"), nullptr);
  EXPECT_EQ(store.erase("a/x"), nullptr);
  EXPECT_EQ(names(store, store.by_index("node", "n2")), "");
  EXPECT_EQ(store.find("a/x"), nullptr);
  EXPECT_EQ(store.size(), 2u);
}

}  // namespace
}  // namespace pintle::client
