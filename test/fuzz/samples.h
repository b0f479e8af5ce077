// Inputs to start from, and the kinds that a first byte chooses among.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/object.h"
#include "base/check.h"
#include "test/codec/sample_pod.h"

namespace pintle::fuzz {

inline const api::KindInfo& kind_by(unsigned char choice) {
  static const std::array<const api::KindInfo*, 5> kinds = {
      api::find_kind("", "v1", "Pod"), api::find_kind("", "v1", "Secret"), api::find_kind("apps", "v1", "Deployment"),
      api::find_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), api::find_kind("apps", "v1", "ControllerRevision")};
  const api::KindInfo* kind = kinds[choice % kinds.size()];
  CHECK(kind != nullptr, "the schema has the kind");
  return *kind;
}

inline std::vector<std::string> json_samples() {
  return {
      std::string(test::sample_pod),
      R"({"metadata":{"name":"s","labels":{"b":"1","a":"2"}},"data":{"k":"aGVsbG8=","e":""},"immutable":true,"type":"Opaque"})",
      R"({"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"x","operator":"In","values":["1"]}]},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":80}}}]}}}})",
      R"({"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"integer","default":1.5,"maximum":1e21,"enum":[1,"x",null]},"b":{"items":[{"type":"string"}],"additionalProperties":false}},"dependencies":{"a":["b"],"c":{}}}}}]}})",
      R"({"data":{"z":[1,2,{"a":"\u003c\ud83d\ude00"}]},"revision":9223372036854775807,"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}},"time":"2026-01-02T03:04:05Z"}],"creationTimestamp":null}})"};
}

inline std::vector<std::string> json_tokens() {
  return {"{",
          "}",
          "[",
          "]",
          ":",
          ",",
          "\"",
          "null",
          "true",
          "false",
          "\\u0000",
          "\\ud800",
          "1e400",
          "-0",
          "1.5",
          "9223372036854775808",
          "\"metadata\":{",
          "\"a\":",
          "{}",
          "[]",
          "\xFF",
          "\xE2\x80\xA8",
          "\"1Gi\"",
          "\"2026-01-02T03:04:05Z\"",
          "\"25%\"",
          "\"aGVsbG8=\"",
          "\"spec\":",
          "\"items\":",
          "\"properties\":{"};
}

}  // namespace pintle::fuzz
