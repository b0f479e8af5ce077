// Subject: what the expressions of a webhook or a policy see of a request.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission::expressions {

// Everything outlives the evaluation.
struct Subject {
  const AdmissionAttributes& attributes;
  const api::Object* namespace_object = nullptr;  // nullptr: `namespaceObject` is null
  const api::Object* params = nullptr;            // nullptr: `params` is null
  std::string_view params_version = {};           // "v1", "example.com/v2": the apiVersion that `params` shows
  std::string_view params_kind = {};
  // The request as whoever asks has selected it: in which of attributes.versions (nullopt: as the attributes have it), and its objects in that
  // version (nullptr: those of the attributes).
  std::optional<std::size_t> version = {};
  const api::Object* object = nullptr;
  const api::Object* old_object = nullptr;
  const apimachinery::cel::TimeZones* zones = nullptr;  // nullptr: UTC and offsets are known
};

}  // namespace pintle::apiserver::admission::expressions
