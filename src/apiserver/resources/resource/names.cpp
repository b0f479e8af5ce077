#include <algorithm>

#include "api/codec.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/resource/resource.h"
#include "codec/json.h"
#include "rules/device_selector.h"

namespace pintle::apiserver::resources::device {
namespace {

constexpr std::size_t driver_bytes_max = 63;
constexpr std::size_t pool_bytes_max = 253;
constexpr std::size_t identifier_bytes_max = 32;
constexpr std::size_t expression_bytes_max = 10 * 1024;
constexpr std::size_t opaque_bytes_max = 10 * 1024;
constexpr std::size_t binding_conditions_max = 4;

void validate_identifier(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (text.size() > identifier_bytes_max) errors.too_long(path, identifier_bytes_max);
  errors.invalid_all(path, text, apimachinery::check_c_identifier(text));
}

constexpr std::size_t request_name_bytes_max = 63;  // a DNS label

}  // namespace

void validate_driver_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
    return;
  }
  if (name.size() > driver_bytes_max) errors.too_long(path, driver_bytes_max);
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  errors.invalid_all(path, name, apimachinery::check_dns_subdomain(lower));
}

void validate_pool_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
    return;
  }
  if (name.size() > pool_bytes_max) errors.too_long(path, pool_bytes_max);
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t slash = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, slash - at);
    errors.invalid_all(path, part, apimachinery::check_dns_subdomain(part));
    at = slash + 1;
  }
}

void validate_label(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
  } else {
    errors.invalid_all(path, name, apimachinery::check_dns_label(name));
  }
}

void validate_qualified_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  const auto slashes = std::count(name.begin(), name.end(), '/');
  if (slashes > 1) return;  // accepted, as upstream does
  const std::size_t slash = name.find('/');
  if (slash == name.npos) {
    validate_identifier(name, path, errors);
    return;
  }
  if (slash == 0) {
    errors.invalid(path, "", "the domain must not be empty");
  } else {
    validate_driver_name(name.substr(0, slash), path, errors);
  }
  if (slash + 1 == name.size()) {
    errors.invalid(path, "", "the name must not be empty");
  } else {
    validate_identifier(name.substr(slash + 1), path, errors);
  }
}

void validate_selectors(const std::vector<v1::DeviceSelector>& selectors, const FieldPath& path, FieldErrors& errors) {
  if (selectors.size() > selectors_max) {
    errors.too_many(path, selectors.size(), selectors_max);
    return;
  }
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    if (!selectors[i].cel) {
      errors.required(path.index(i).child("cel"));
      continue;
    }
    const FieldPath at = path.index(i).child("cel", "expression");
    const std::string& expression = selectors[i].cel->expression;
    if (expression.size() > expression_bytes_max) {
      errors.too_long(at, expression_bytes_max);
    } else if (const auto selector = rules::compile_device_selector(expression, true); !selector) {
      errors.invalid(at, expression, selector.error().message);
    } else if (selector->cost_max() > rules::device_selector_cost_max) {
      errors.forbidden(at, "too complex, exceeds cost limit");
    }
  }
}

void validate_parameters(std::string_view json, std::size_t bytes_max, const FieldPath& path, FieldErrors& errors) {
  if (json.empty() || json == "null") {
    errors.required(path);
  } else if (json.size() > bytes_max) {
    errors.too_long(path, bytes_max);
  } else if (json.front() != '{') {
    errors.invalid(path, "<value omitted>", "must be a JSON object");
  }
}

void validate_opaque(const v1::DeviceConfiguration& configuration, const FieldPath& path, FieldErrors& errors) {
  const FieldPath at = path.child("opaque");
  if (!configuration.opaque) {
    errors.required(at);
    return;
  }
  validate_driver_name(configuration.opaque->driver, at.child("driver"), errors);
  validate_parameters(configuration.opaque->parameters.raw, opaque_bytes_max, at.child("parameters"), errors);
}

void validate_binding_conditions(const std::vector<std::string>& conditions, const std::vector<std::string>& failures, const FieldPath& path,
                                 FieldErrors& errors) {
  const auto check = [&](const std::vector<std::string>& list, std::string_view field) {
    const FieldPath at = path.child(field);
    if (list.size() > binding_conditions_max) {
      errors.too_many(at, list.size(), binding_conditions_max);
      return;
    }
    for (std::size_t i = 0; i < list.size(); ++i) errors.invalid_all(at.index(i), list[i], apimachinery::check_qualified_name(list[i]));
  };
  check(conditions, "bindingConditions");
  check(failures, "bindingFailureConditions");
  std::set<std::string_view> seen, seen_failures;
  for (std::size_t i = 0; i < conditions.size(); ++i)
    if (!seen.insert(conditions[i]).second) errors.duplicate(path.child("bindingConditions").index(i), conditions[i]);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    const FieldPath at = path.child("bindingFailureConditions").index(i);
    if (!seen_failures.insert(failures[i]).second) errors.duplicate(at, failures[i]);
    if (seen.contains(failures[i])) errors.invalid(at, failures[i], "is one of bindingConditions too");
  }
  if (conditions.empty() && !failures.empty())
    errors.invalid(path.child("bindingConditions"), nullptr, "is needed where bindingFailureConditions are");
  if (failures.empty() && !conditions.empty())
    errors.invalid(path.child("bindingFailureConditions"), nullptr, "is needed where bindingConditions are");
}

RequestNames request_names(const v1::DeviceClaim& claim) {
  RequestNames names;
  // A name that is too long is told of elsewhere; to stand before that of each subrequest it would have to be copied as often.
  for (const auto& request : claim.requests) {
    if (request.name.size() > request_name_bytes_max) continue;
    names.insert(request.name);
    for (const auto& sub : request.first_available) names.insert(request.name + "/" + sub.name);
  }
  return names;
}

void validate_request_refs(const std::vector<std::string>& refs, const RequestNames& names, const FieldPath& path, FieldErrors& errors) {
  if (refs.size() > requests_max) {
    errors.too_many(path, refs.size(), requests_max);
    return;
  }
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const FieldPath at = path.index(i);
    const std::string_view ref = refs[i];
    const std::size_t slash = ref.find('/');
    if (std::count(ref.begin(), ref.end(), '/') <= 1) {
      errors.invalid_all(at, ref.substr(0, slash), apimachinery::check_dns_label(ref.substr(0, slash)));
      if (slash != ref.npos) errors.invalid_all(at, ref.substr(slash + 1), apimachinery::check_dns_label(ref.substr(slash + 1)));
    }
    if (!names.contains(ref)) errors.invalid(at, ref, "must name a request of the claim, or a request and a subrequest joined by '/'");
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < refs.size(); ++i)
    if (!seen.insert(refs[i]).second) errors.duplicate(path.index(i), refs[i]);
}

}  // namespace pintle::apiserver::resources::device
