// The query parameters that operations share.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "apimachinery/openapi/paths.h"

namespace pintle::apimachinery::openapi {

// All of them, by name: the `parameters` of a version 2 document, which operations refer to.
std::span<const Parameter> common_parameters();
bool is_common(const Parameter& parameter);

std::vector<Parameter> list_parameters(bool watch);
std::vector<Parameter> read_parameters();
std::vector<Parameter> write_parameters();  // create and update
std::vector<Parameter> patch_parameters();
std::vector<Parameter> delete_parameters();
std::vector<Parameter> delete_collection_parameters();
// The fields of an options type: PodExecOptions and its kin.
std::vector<Parameter> option_parameters(const api::Type& options);

Parameter namespace_parameter();
Parameter pretty_parameter();

}  // namespace pintle::apimachinery::openapi
