#include "api/gen/batch_v1.h"
#include "api/gen/core_v1.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apimachinery/validation/object_meta.h"
#include "apimachinery/validation/schema_rules.h"

namespace pintle::apimachinery {
namespace {

using api::meta_v1::ObjectMeta;

// "type field" of each cause, one a line.
std::string shown(const FieldErrors& errors) {
  std::string out;
  for (const StatusCause& cause : errors.causes()) out += cause.type.substr(std::string_view("FieldValue").size()) + " " + cause.field + "\n";
  return out;
}

template <class T>
T decoded(std::string_view json) {
  T object;
  EXPECT_TRUE(api::decode_json(json, api::type_of<T>(), &object)) << json;
  return object;
}

void check_meta(std::string_view json, bool namespaced, std::string_view expected) {
  FieldErrors errors;
  validate_object_meta(decoded<ObjectMeta>(json), namespaced, name_is_dns_subdomain, FieldPath("metadata"), errors);
  EXPECT_EQ(shown(errors), expected) << json;
}

TEST(ObjectMeta, Create) {
  check_meta(R"({"name":"a","namespace":"b"})", true, "");
  check_meta(R"({"namespace":"b"})", true, "Required metadata.name\n");
  check_meta(R"({"name":"A","generateName":"AB-"})", false, "Invalid metadata.generateName\nInvalid metadata.name\n");
  check_meta(R"({"name":"a"})", true, "Required metadata.namespace\n");
  check_meta(R"({"name":"a","namespace":"a.b"})", true, "Invalid metadata.namespace\n");
  check_meta(R"({"name":"a","namespace":"b"})", false, "Forbidden metadata.namespace\n");
  check_meta(R"({"name":"a","generation":-1})", false, "Invalid metadata.generation\n");
  check_meta(R"({"name":"a","labels":{"a b":"-"}})", false, "Invalid metadata.labels\nInvalid metadata.labels\n");
  check_meta(R"({"name":"a","annotations":{"Example.com/A":"x","/":"y"}})", false,
             "Invalid metadata.annotations\nInvalid metadata.annotations\nInvalid metadata.annotations\n");
  check_meta(R"({"name":"a","annotations":{"a":")" + std::string(annotations_bytes_max, 'x') + R"("}})", false, "TooLong metadata.annotations\n");
  check_meta(R"({"name":"a","finalizers":["orphan","foregroundDeletion"]})", false, "Invalid metadata.finalizers\n");
  check_meta(R"({"name":"a","ownerReferences":[{"apiVersion":"v1"}]})", false,
             "Invalid metadata.ownerReferences.kind\nInvalid metadata.ownerReferences.name\nInvalid metadata.ownerReferences.uid\n");
  check_meta(
      R"({"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"A","name":"a","uid":"1","controller":true},{"apiVersion":"v1","kind":"A","name":"b","uid":"2","controller":true}]})",
      false, "Invalid metadata.ownerReferences\n");
  check_meta(R"({"name":"a","managedFields":[{"operation":"Nope","fieldsType":"X"}]})", false,
             "Invalid metadata.managedFields[0].operation\nInvalid metadata.managedFields[0].fieldsType\n");
}

void check_meta_update(std::string_view json, std::string_view old, std::string_view expected) {
  FieldErrors errors;
  validate_object_meta_update(decoded<ObjectMeta>(json), decoded<ObjectMeta>(old), FieldPath("metadata"), errors);
  EXPECT_EQ(shown(errors), expected) << json;
}

TEST(ObjectMeta, Update) {
  constexpr auto old = R"({"name":"a","namespace":"b","uid":"1","resourceVersion":"5","generation":2})";
  check_meta_update(old, old, "");
  check_meta_update(
      R"({"name":"x","namespace":"y","uid":"2","generation":1})", old,
      "Invalid metadata.resourceVersion\nInvalid metadata.generation\nInvalid metadata.name\nInvalid metadata.namespace\nInvalid metadata.uid\n");
  check_meta_update(R"({"name":"a","resourceVersion":"1","deletionTimestamp":"2026-01-02T03:04:05Z","finalizers":["a/b"]})",
                    R"({"name":"a","deletionTimestamp":"2026-01-02T03:04:05Z"})", "Forbidden metadata.finalizers\n");
  check_meta_update(R"({"name":"a","resourceVersion":"1","deletionTimestamp":"2026-01-02T03:04:05Z"})", R"({"name":"a"})",
                    "Invalid metadata.deletionTimestamp\n");
}

TEST(LabelSelectors, Validation) {
  FieldErrors errors;
  const auto selector = decoded<api::meta_v1::LabelSelector>(
      R"({"matchLabels":{"a":"b c"},"matchExpressions":[{"key":"k","operator":"In"},{"key":"k","operator":"Exists","values":["v"]},{"key":"","operator":"X","values":["v v"]}]})");
  validate_label_selector(&selector, FieldPath("spec", "selector"), errors);
  EXPECT_EQ(
      shown(errors),
      "Invalid spec.selector.matchLabels\nRequired spec.selector.matchExpressions[0].values\nForbidden spec.selector.matchExpressions[1].values\n"
      "Invalid spec.selector.matchExpressions[2].operator\nInvalid spec.selector.matchExpressions[2].key\nInvalid "
      "spec.selector.matchExpressions[2].key\n"
      "Invalid spec.selector.matchExpressions[2].values[0]\n");
}

template <class T>
void check_schema(std::string_view json, std::string_view expected) {
  FieldErrors errors;
  const T object = decoded<T>(json);
  validate_schema(api::type_of<T>(), &object, errors);
  EXPECT_EQ(shown(errors), expected) << json;
}

TEST(Schema, RequiredAndEnums) {
  check_schema<api::core_v1::Pod>(
      R"({"spec":{"containers":[{"name":"c","image":"i","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],"restartPolicy":"Always","dnsPolicy":"ClusterFirst"}})",
      "");
  check_schema<api::core_v1::Pod>("{}", "Required spec.containers\n");
  check_schema<api::core_v1::Pod>(R"({"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"protocol":"X"}]}]}})",
                                  "NotSupported spec.containers[0].ports[0].protocol\n");
}

TEST(Schema, Update) {
  FieldErrors errors;
  const auto old = decoded<api::core_v1::Secret>(R"({"type":"a"})");
  const auto next = decoded<api::core_v1::Secret>(R"({"type":"b","metadata":{"name":"x"}})");
  validate_schema_update(api::type_of<api::core_v1::Secret>(), &next, &old, errors);
  EXPECT_EQ(shown(errors), "Invalid type\n");
}

}  // namespace
}  // namespace pintle::apimachinery
