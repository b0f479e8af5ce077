#include "apiserver/admission/configured/object_patch.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"
#include "apimachinery/patch/json_patch.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "codec/json.h"

namespace pintle::apiserver::admission::configured {
namespace {

using api::core_v1::Service;

struct Patched {
  std::string outcome;  // "changed", "same" or the error
  Service service;
};

Patched patch(const std::string& operations) {
  Service service;
  service.metadata.name = "s";
  service.spec.type = "ClusterIP";
  api::Object object = api::Object::of(service);
  const api::Object shown = object;
  AdmissionAttributes a;
  a.kind = {"", "v1", "Service"};
  a.object = &object;
  const auto value = codec::parse_json(operations);
  const auto changed = apiserver::testing::now(patch_object(rt::Context::background(), a, std::nullopt, shown, *value));
  return {changed ? (*changed ? "changed" : "same") : std::string(reason_name(changed.error().reason)) + ": " + changed.error().message,
          object.as<Service>()};
}

TEST(ObjectPatch, ChangesAndDefaults) {
  const Patched made = patch(R"([{"op":"add","path":"/metadata/labels","value":{"a":"b"}},{"op":"add","path":"/spec/ports","value":[{"port":80}]}])");
  EXPECT_EQ(made.outcome, "changed");
  EXPECT_EQ(*made.service.metadata.labels.get("a"), "b");
  ASSERT_EQ(made.service.spec.ports.size(), 1u);
  EXPECT_EQ(made.service.spec.ports[0].protocol, "TCP") << "defaults are filled in again";
  EXPECT_EQ(patch(R"([{"op":"replace","path":"/metadata/name","value":"s"}])").outcome, "same");
  EXPECT_EQ(patch(R"([{"op":"add","path":"/bogus","value":1}])").outcome, "same");
}

TEST(ObjectPatch, Refusals) {
  for (const char* operations :
       {R"([{"op":"replace","path":"/kind","value":"Secret"}])", R"([{"op":"remove","path":"/apiVersion"}])",
        R"([{"op":"replace","path":"","value":7}])", R"([{"op":"add","path":"/spec","value":7}])", R"([{"op":"remove","path":"/none"}])",
        R"([{"op":"test","path":"/metadata/name","value":"x"}])", R"([{"op":"fly","path":"/x"}])", R"([7])"}) {
    const Patched made = patch(operations);
    EXPECT_TRUE(made.outcome.starts_with("InternalError: Internal error occurred: ")) << operations << ": " << made.outcome;
    EXPECT_EQ(made.service.metadata.name, "s");
  }
  std::string many = "[";
  for (std::size_t i = 0; i <= apimachinery::json_patch_operations_max; ++i)
    many += std::string(i == 0 ? "" : ",") + R"({"op":"add","path":"/metadata/generateName","value":"x"})";
  EXPECT_TRUE(patch(many + "]").outcome.starts_with("InternalError: ")) << "as many operations as a client's patch may have";
}

}  // namespace
}  // namespace pintle::apiserver::admission::configured
