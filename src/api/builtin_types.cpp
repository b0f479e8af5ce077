#include "api/builtin_types.h"

#include <string>

#include "api/type_ops.h"
#include "api/values.h"

namespace pintle::api::types {
namespace {

template <class T>
constexpr Type scalar(Kind kind, std::string_view openapi_name = {}) {
  Type type;
  type.kind = kind;
  type.openapi_name = openapi_name;
  type.size = sizeof(T);
  type.value = &value_ops<T>;
  return type;
}

}  // namespace

constinit const Type bool_type = scalar<bool>(Kind::Bool);
constinit const Type int32_type = scalar<int32_t>(Kind::Int32);
constinit const Type int64_type = scalar<int64_t>(Kind::Int64);
constinit const Type uint64_type = scalar<uint64_t>(Kind::Uint64);
constinit const Type float32_type = scalar<float>(Kind::Float32);
constinit const Type float64_type = scalar<double>(Kind::Float64);
constinit const Type string_type = scalar<std::string>(Kind::String);
constinit const Type bytes_type = scalar<std::string>(Kind::Bytes);
constinit const Type quantity_type = scalar<Quantity>(Kind::Quantity, "io.k8s.apimachinery.pkg.api.resource.Quantity");
constinit const Type intorstring_type = scalar<IntOrString>(Kind::IntOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString");
constinit const Type time_type = scalar<Time>(Kind::Time, "io.k8s.apimachinery.pkg.apis.meta.v1.Time");
constinit const Type microtime_type = scalar<MicroTime>(Kind::MicroTime, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime");
constinit const Type duration_type = scalar<Duration>(Kind::Duration, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration");
constinit const Type rawextension_type = scalar<RawExtension>(Kind::RawExtension, "io.k8s.apimachinery.pkg.runtime.RawExtension");
constinit const Type fieldsv1_type = scalar<FieldsV1>(Kind::FieldsV1, "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1");
constinit const Type json_type = scalar<Json>(Kind::Json, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON");

}  // namespace pintle::api::types
