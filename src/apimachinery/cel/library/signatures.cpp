#include "apimachinery/cel/library/libraries.h"

namespace pintle::apimachinery::cel::types {

const Type a{TypeKind::Param, false, "A"};
const Type b{TypeKind::Param, false, "B"};
const Type list_a{TypeKind::List, false, "list", {&a}};
const Type list_list_a{TypeKind::List, false, "list", {&list_a}};
const Type map_ab{TypeKind::Map, false, "map", {&a, &b}};
const Type optional_a{TypeKind::Opaque, false, "optional_type", {&a}};
const Type optional_b{TypeKind::Opaque, false, "optional_type", {&b}};
const Type list_optional_a{TypeKind::List, false, "list", {&optional_a}};
const Type type_a{TypeKind::Type, false, "type", {&a}};
const Type list_int{TypeKind::List, false, "list", {&integer}};
const Type list_uint{TypeKind::List, false, "list", {&uinteger}};
const Type list_double{TypeKind::List, false, "list", {&floating}};
const Type list_bool{TypeKind::List, false, "list", {&boolean}};
const Type list_bytes{TypeKind::List, false, "list", {&bytes}};
const Type list_timestamp{TypeKind::List, false, "list", {&timestamp}};
const Type list_duration{TypeKind::List, false, "list", {&duration}};
const Type map_dyn{TypeKind::Map, false, "map", {&dyn, &dyn}};
const Type optional_semver{TypeKind::Opaque, false, "optional_type", {&semver}};
const Type optional_format{TypeKind::Opaque, false, "optional_type", {&format}};

}  // namespace pintle::apimachinery::cel::types
