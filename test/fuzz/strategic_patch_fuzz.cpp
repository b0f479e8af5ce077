// Strategic merge patches, of a pod.
#include "api/gen/core_v1.h"
#include "apimachinery/patch/strategic_patch.h"
#include "driver.h"
#include "patches.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (auto both = split_patch(input))
    check_document(apimachinery::apply_strategic_patch(std::move(both->first), both->second, api::type_of<api::core_v1::Pod>()));
}

std::vector<std::string> seeds() {
  return {
      R"({"document":{"metadata":{"finalizers":["a","b"]},"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]},{"name":"b"}]}},"patch":{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["b"]},"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"c","image":"i"},{"name":"a","$patch":"delete"}],"volumes":[{"name":"v","$retainKeys":["name","emptyDir"],"emptyDir":{}}]}}})",
      R"({"document":{"spec":{"containers":[{"name":"a","env":[{"name":"x","value":"1"}]}],"tolerations":[{"key":"k"}]}},"patch":{"spec":{"containers":[{"$patch":"replace"},{"name":"b"}],"tolerations":null,"nodeSelector":{"$patch":"replace","a":"b"}}}})"};
}
std::vector<std::string> tokens() {
  return {"\"$patch\":\"replace\"",
          "\"$patch\":\"delete\"",
          "{\"$patch\":\"merge\"},",
          "\"$retainKeys\":[\"name\"]",
          "\"$setElementOrder/containers\":[",
          "\"$setElementOrder/finalizers\":[\"a\"]",
          "\"$deleteFromPrimitiveList/finalizers\":[\"a\"]",
          "{\"name\":\"a\"},",
          "{\"name\":\"b\",\"$patch\":\"delete\"},",
          "\"a\",",
          "null",
          "[",
          "]",
          "{",
          "}",
          "\"containers\":[",
          "\"ports\":[{\"containerPort\":1}]"};
}

}  // namespace pintle::fuzz
