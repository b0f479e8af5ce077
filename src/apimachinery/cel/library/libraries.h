// The tables of functions, one a library, and what they are written with.
#pragma once

#include <array>
#include <span>

#include "apimachinery/cel/function.h"

namespace pintle::apimachinery::cel {

// Parameters of a signature: of<&types::string, &types::integer>.
template <const Type*... params>
inline constexpr std::array<TypeRef, sizeof...(params)> of{params...};

namespace types {
// Type variables and what is made of them.
extern const Type a, b, list_a, list_list_a, map_ab, optional_a, optional_b, type_a, list_optional_a;
extern const Type list_int, list_uint, list_double, list_bool, list_bytes, list_timestamp, list_duration, map_dyn;
extern const Type optional_semver, optional_format;
}  // namespace types

std::span<const Function> operator_functions();
std::span<const Function> conversion_functions();
std::span<const Function> text_functions();  // size, contains, startsWith, endsWith, matches
std::span<const Function> time_functions();
std::span<const Function> optional_functions();
std::span<const Function> string_functions();
std::span<const Function> later_string_functions();
std::span<const Function> set_functions();
std::span<const Function> list_functions();
std::span<const Function> kubernetes_list_functions();
std::span<const Function> regex_functions();
std::span<const Function> url_functions();
std::span<const Function> ip_functions();
std::span<const Function> cidr_functions();
std::span<const Function> quantity_functions();
std::span<const Function> semver_functions();
std::span<const Function> format_functions();
std::span<const Function> authorizer_functions();
std::span<const Function> map_insert_functions();
std::span<const Function> math_functions();
std::span<const Function> encoder_functions();
std::span<const Function> json_patch_functions();

}  // namespace pintle::apimachinery::cel
