// $(NAME) references in values, commands and arguments. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pintle::kubelet::container_config {

// $(NAME) becomes the variable's value, or stays as it is when there is none; $$ becomes $, so $$(NAME) stays $(NAME).
std::string expand(std::string_view text, const std::function<std::optional<std::string>(std::string_view name)>& value);

}  // namespace pintle::kubelet::container_config
