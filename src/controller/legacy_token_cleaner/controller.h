// Marks tokens in Secrets that nobody uses as invalid, and deletes those that nobody has missed.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::legacy_token_cleaner {

inline constexpr rt::Duration look_interval = std::chrono::hours(24);

std::unique_ptr<Controller> make_legacy_token_cleaner(ControllerDeps deps);

}  // namespace pintle::controller::legacy_token_cleaner
