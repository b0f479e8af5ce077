#include "controller/manifests/manifests.h"

#include <gtest/gtest.h>

namespace pintle::controller::manifests {
namespace {

void check_objects(std::string_view text, std::vector<std::string> kinds) {
  const auto objects = objects_of_manifest(text);
  ASSERT_TRUE(objects) << objects.error().message;
  std::vector<std::string> got;
  for (const auto& object : *objects) got.emplace_back(object.string_at("kind"));
  EXPECT_EQ(got, kinds);
}
TEST(Manifest, DocumentsAndLists) {
  check_objects("apiVersion: v1\nkind: Namespace\n---\n# nothing\n---\napiVersion: v1\nkind: Pod\n", {"Namespace", "Pod"});
  check_objects(R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret"},{"apiVersion":"apps/v1","kind":"Deployment"}]})",
                {"Secret", "Deployment"});
  check_objects("", {});
}

void check_refused(std::string_view text, std::string_view message) {
  const auto objects = objects_of_manifest(text);
  ASSERT_FALSE(objects);
  EXPECT_EQ(objects.error().message, message);
}
TEST(Manifest, MistakesAreNamed) {
  check_refused("apiVersion: v1\nkind: Pod\n---\nkind: Pod\n", "document 2 has no apiVersion");
  check_refused("apiVersion: v1\n", "document 1 has no kind");
  check_refused("- a\n", "document 1 is no object");
}

}  // namespace
}  // namespace pintle::controller::manifests
